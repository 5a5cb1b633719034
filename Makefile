PY := .venv/bin/python
.PHONY: proto
proto:
	$(PY) -m grpc_tools.protoc -I. --python_out=. --pyi_out=. proto/v1/*.proto
