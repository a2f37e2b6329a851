"""The folder of a run: written, resumed and opened again.

    run_folder      RunFolder: files are written atomically, never over those of others
    rounds          Round: the latents, the mixture and the weights after a round
    saved_run       SavedRun: configuration, model, data, labels and rounds of a run
    checkpoint      what a run keeps while it trains, and how it resumes

    from models.runs.saved_run import SavedRun

    run = SavedRun("runs/my_run")
    z_mean, z_log_var = run.model.encode(run.dataset.x)

This room imports `models.data`, `models.training` and `models.blocks`.
"""
