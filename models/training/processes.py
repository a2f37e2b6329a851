"""The three environment variables by which Keras knows the processes of a training."""

ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
N_PROCESSES = "KERAS_DISTRIBUTION_NUM_PROCESSES"
PROCESS_ID = "KERAS_DISTRIBUTION_PROCESS_ID"
ALL = (ADDRESSES, N_PROCESSES, PROCESS_ID)


def read_environment(environment: dict) -> dict | None:
    """Name -> value of the three variables, or `None` if none of them is set.

    Raises:
        ValueError: some are missing, or their values do not describe the processes.
    """
    values = {name: environment[name] for name in ALL if name in environment}
    if not values:
        return None
    missing = [name for name in ALL if name not in values]
    if missing:
        raise ValueError(
            f"--distribute over several processes needs {', '.join(ALL)}; for one "
            f"process set none of them. Missing: {', '.join(missing)}"
        )
    _check_values(*values.values())
    return values


def waiting_message(values: dict) -> str:
    """What a process prints before it waits; after five minutes JAX ends it."""
    return (
        f"process {values[PROCESS_ID]} of {values[N_PROCESSES]}: waiting for all of "
        f"them, up to five minutes, at {coordinator(values[ADDRESSES])}"
    )


def coordinator(addresses: str) -> str:
    """HOST:PORT of process 0."""
    return addresses.partition(",")[0]


def _check_values(addresses, number, process):
    if not number.isdecimal() or int(number) < 1:
        raise ValueError(
            f"{N_PROCESSES} must be the number of processes. Received: {number!r}"
        )
    if not process.isdecimal() or int(process) >= int(number):
        raise ValueError(
            f"{PROCESS_ID} must be 0 to {int(number) - 1}, different for each of the "
            f"{number} processes. Received: {process!r}"
        )
    hosts = [address.rpartition(":") for address in addresses.split(",")]
    valid = all(host and port.isdecimal() for host, _, port in hosts)
    if not valid or len(hosts) not in (1, int(number)):
        raise ValueError(
            f"{ADDRESSES} must be HOST:PORT of process 0, or of all {number} processes "
            f"separated by commas. Received: {addresses!r}"
        )
