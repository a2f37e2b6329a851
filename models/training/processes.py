"""The three variables that tell Keras of the processes that train together."""

ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
N_PROCESSES = "KERAS_DISTRIBUTION_NUM_PROCESSES"
PROCESS_ID = "KERAS_DISTRIBUTION_PROCESS_ID"
ALL = (ADDRESSES, N_PROCESSES, PROCESS_ID)


def read_environment(environment):
    """Their values by name, checked, or `None` where they are not set. ValueError."""
    given = {name: environment[name] for name in ALL if name in environment}
    if not given:
        return None
    missing = [name for name in ALL if name not in given]
    if missing:
        raise ValueError(
            f"--distribute over several processes needs {', '.join(ALL)}; for one "
            f"process set none of them. Missing: {', '.join(missing)}"
        )
    check_addresses(*given.values())
    return given


def waiting_message(given):
    """What a process says before it waits for the others; then JAX ends it."""
    return (
        f"process {given[PROCESS_ID]} of {given[N_PROCESSES]}: waiting, five minutes at most, "
        f"for all of them at {coordinator(given[ADDRESSES])}"
    )


def coordinator(addresses):
    return addresses.partition(",")[0]


def check_addresses(addresses, number, process):
    """ValueError unless these texts describe a cluster."""
    if not number.isdecimal() or int(number) < 1:
        raise ValueError(
            f"{N_PROCESSES} must be the number of processes. Received: {number!r}"
        )
    if not process.isdecimal() or int(process) >= int(number):
        raise ValueError(
            f"{PROCESS_ID} must be 0 to {int(number) - 1}, another for each of the "
            f"{number} processes. Received: {process!r}"
        )
    hosts = [address.rpartition(":") for address in addresses.split(",")]
    whole = all(host and port.isdecimal() for host, _, port in hosts)
    if not whole or len(hosts) not in (1, int(number)):
        raise ValueError(
            f"{ADDRESSES} must be HOST:PORT of process 0, or of all {number}, "
            f"separated by commas. Received: {addresses!r}"
        )
