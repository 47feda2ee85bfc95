package native

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Options say who connects and who is told.
type Options struct {
	// Hello is said on every connection: token, user_id, sender_id, device_name
	// and so on. Without a credential, a pairing starts.
	Hello protocol.ConnectParams

	// Bearer is a token sent as Authorization on the upgrade, in place of
	// Hello.Token. Cookies are sent with it.
	Bearer  client.Secret
	Cookies []*http.Cookie

	// HTTPClient makes the upgrade request: its Transport has the TLS
	// configuration and the proxy. nil means http.DefaultClient.
	HTTPClient *http.Client

	// Resume, OnState and OnEvent are those of client.Options. While OnEvent does not
	// return nothing is read, and pings are not answered.
	Resume  func() []protocol.Cursor
	OnState func(client.State)
	OnEvent func(protocol.Frame)
}

// Dial connects to the gateway at address and returns once the client is ready
// to take requests. Until ctx ends it tries again after every failure, and waits
// for a pairing to be approved (OnState is told its code). When the gateway
// refuses the credential, the error is a *protocol.Error beneath its context;
// when ctx ends, the error says what was in the way last. The client then keeps
// itself connected until Stop.
func Dial(ctx context.Context, address string, o Options) (*client.Client, error) {
	t, err := NewTransport(address, o)
	if err != nil {
		return nil, err
	}
	settled := make(chan client.State, 1)
	c := client.New(client.Options{
		Transport: t,
		Hello:     o.Hello,
		Resume:    o.Resume,
		OnState: func(s client.State) {
			if o.OnState != nil {
				o.OnState(s)
			}
			if s.Phase == client.Ready || s.Phase == client.Refused {
				select {
				case settled <- s:
				default:
				}
			}
		},
		OnEvent: o.OnEvent,
	})
	c.Start()
	select {
	case s := <-settled:
		if s.Phase == client.Ready {
			return c, nil
		}
		c.Stop()
		return nil, fmt.Errorf("connecting to the gateway: %w", s.Err)
	case <-ctx.Done():
		s := c.State()
		c.Stop()
		if s.Err != nil {
			return nil, fmt.Errorf("connecting to the gateway: %w (%w)", context.Cause(ctx), s.Err)
		}
		return nil, fmt.Errorf("connecting to the gateway: %w while %v", context.Cause(ctx), s.Phase)
	}
}
