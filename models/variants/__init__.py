"""The variants: one file each, whose `build` says which components make the VAE.

A body says where q(z|x), p(z), p(x|z) and the objective differ from those of the VAE of
Kingma and Welling (`variant.py`); a component that only one variant has is defined in
its file. `SOURCE` names the papers. The signature of `build` and the section `Args:` of
its docstring are the options of `python -m models.train --variant NAME`.

This room imports blocks and networks. No variant imports another, and no other file
knows their names but `VARIANTS` in `models/__init__.py`.
"""
