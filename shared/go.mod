module github.com/gatehouse-chat/gatehouse/shared

go 1.26.0

require (
	github.com/coder/websocket v1.8.15
	go.uber.org/goleak v1.3.0
	pgregory.net/rapid v1.3.0
)
