"""The tables, the encrypted objects and the keys at rest: the only place that names SQLAlchemy, Alembic and fsspec."""
