"""Specialisations of <mgmtObj> and <flexContainer>: tables in TOML files, ours in this folder and the operator's."""
