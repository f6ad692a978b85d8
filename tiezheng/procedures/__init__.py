"""The legal procedures."""

from tiezheng.procedures.schema import FieldClass, FieldSpec, FieldType, JsonValue, Schema

__all__ = ["FieldClass", "FieldSpec", "FieldType", "JsonValue", "Schema"]
