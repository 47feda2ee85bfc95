module github.com/gatehouse-chat/gatehouse/web

go 1.26.0

require (
	github.com/a-h/templ v0.3.977
	github.com/gatehouse-chat/gatehouse/shared v0.0.0
)

require github.com/google/go-cmp v0.7.0 // indirect

replace github.com/gatehouse-chat/gatehouse/shared => ../shared
