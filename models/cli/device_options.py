"""The options of the machines a run is on, and of going on after they failed."""


def add_devices(add, add_tabled):
    add(
        "--distribute",
        action="store_true",
        help="train on all devices of this process or, with KERAS_DISTRIBUTION_* set, "
        "of all processes; needs JAX (default: on one device)",
    )
    add(
        "--mixed-precision",
        action="store_true",
        help="compute the hidden layers in bfloat16, the loss in float32 "
        "(default: all in float32)",
    )
    add(
        "--checkpoint",
        action="store_true",
        help="save after every epoch and every five minutes, for --resume; all "
        "variants but serket (default: with --distribute only)",
    )
    add(
        "--resume",
        metavar="RUN",
        help="go on with a run that was stopped, from where it was saved last to the "
        "end it would have had (default: begin a run)",
    )


def check_resume(given, defaults):
    """ValueError where --resume stands beside an option that the run has already.

    given, defaults: every option's value, and without any word on the command line.
    """
    own = {"resume", "distribute", "explore"}
    for name, value in vars(given).items():
        if name not in own and value != defaults[name]:
            flag = "--" + name.replace("_", "-")
            raise ValueError(
                f"--resume {given.resume} goes on with the run's own options: leave "
                f"{flag} out"
            )
