module github.com/gatehouse-chat/gatehouse/wasm

go 1.26.0

require (
	github.com/gatehouse-chat/gatehouse/shared v0.0.0
	pgregory.net/rapid v1.3.0
)

replace github.com/gatehouse-chat/gatehouse/shared => ../shared
