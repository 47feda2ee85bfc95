package native

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/client"
)

// Transport opens WebSockets to one gateway. Each socket has two goroutines, which end within
// 20 s of Close, whatever the peer does.
type Transport struct {
	url    string
	header http.Header
	http   *http.Client
}

// NewTransport returns a Transport for a gateway's address: ws://, wss://, http:// or
// https:// with a host. Without a path, the path is /ws. An http or https URL may be that of
// a gateway under a path, such as https://example.com/chat: then /ws is added. It uses the
// options Bearer, Cookies and HTTPClient.
func NewTransport(address string, o Options) (*Transport, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("gateway address: not a URL; it looks like ws://localhost:8080/ws")
	}
	switch u.Scheme {
	case "ws", "wss", "http", "https":
	default:
		return nil, fmt.Errorf("gateway address %q: must begin with ws:// or wss://", u.Redacted())
	}
	if u.Host == "" {
		return nil, fmt.Errorf("gateway address %q: must name a host, as in ws://localhost:8080/ws", u.Redacted())
	}
	path := strings.TrimRight(u.Path, "/")
	if isPage := u.Scheme == "http" || u.Scheme == "https"; path == "" ||
		isPage && !strings.HasSuffix(path, "/ws") {
		u.Path, u.RawPath = path+"/ws", ""
	}
	return &Transport{url: u.String(), header: o.header(), http: o.HTTPClient}, nil
}

// header returns the headers of the upgrade request.
func (o *Options) header() http.Header {
	r := http.Request{Header: http.Header{}}
	for _, c := range o.Cookies {
		r.AddCookie(c)
	}
	if o.Bearer != "" {
		r.Header.Set("Authorization", "Bearer "+string(o.Bearer))
	}
	return r.Header
}

// Dial begins to open a socket.
func (t *Transport) Dial(h client.SocketHandler) client.Socket {
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &socket{transport: t, handler: h, ctx: ctx, cancel: cancel, wake: make(chan struct{}, 1)}
	go s.run()
	return s
}
