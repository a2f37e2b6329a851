"""The command line: options, what they become, how a command begins and ends.

Every room may be imported here, and only the commands, `models/*.py`, import this one.
Modules that import Keras are imported inside functions, so that `--help` is instant.

* `options.parse(words)` returns what was given to `models.train`, key -> value. The
  options of every run are classes there; those of a variant follow from the signature
  and the docstring of its `build` (`variant_options`), so that no file but its own
  knows a variant.
* `resolve.resolve(given, dataset)` adds the defaults of the data set (`defaults`),
  checks what does not fit, and returns the configuration and the model.
* `build_model.build_variant(config, dataset)` is the model of a config.json, which
  `compile_model` makes ready to train.
* `prepare_run.prepare(given)` reads the data and makes the folder, or resumes a run.
* `command.Command` is a command; `run_commands` has what those on a run share.
"""
