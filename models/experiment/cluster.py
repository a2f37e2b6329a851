"""The three variables that tell Keras of the processes that train together."""

ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
NUMBER = "KERAS_DISTRIBUTION_NUM_PROCESSES"
PROCESS = "KERAS_DISTRIBUTION_PROCESS_ID"
ALL = (ADDRESSES, NUMBER, PROCESS)


def variables(environment):
    """Their values by name: all three, or none. ValueError otherwise."""
    given = {name: environment[name] for name in ALL if name in environment}
    missing = [name for name in ALL if name not in given]
    if given and missing:
        raise ValueError(
            f"--distribute over several processes needs {', '.join(ALL)}; for one "
            f"process set none of them. Missing: {', '.join(missing)}"
        )
    return given


def check(addresses, number, process):
    """ValueError unless these texts describe a cluster."""
    if not number.isdecimal() or int(number) < 1:
        raise ValueError(
            f"{NUMBER} must be the number of processes. Received: {number!r}"
        )
    if not process.isdecimal() or int(process) >= int(number):
        raise ValueError(
            f"{PROCESS} must be 0 to {int(number) - 1}, another for each of the "
            f"{number} processes. Received: {process!r}"
        )
    hosts = [address.rpartition(":") for address in addresses.split(",")]
    whole = all(host and port.isdecimal() for host, _, port in hosts)
    if not whole or len(hosts) not in (1, int(number)):
        raise ValueError(
            f"{ADDRESSES} must be HOST:PORT of process 0, or of all {number}, "
            f"separated by commas. Received: {addresses!r}"
        )
