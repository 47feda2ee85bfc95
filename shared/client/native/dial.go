package native

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Options configure a Client or a Transport.
type Options struct {
	// Hello has the params of connect, which is sent on every connection: token, user_id,
	// sender_id, device_name and so on. Without a credential, a pairing starts.
	Hello protocol.ConnectParams

	// WriteForeign lets an admin's program change the sessions of other users. Without it,
	// connect has own: the gateway refuses such a change with FORBIDDEN. So a key that the
	// program has chosen never leads into the chat of somebody who has used the key before.
	WriteForeign bool

	// Bearer is a token to send as Authorization header of the upgrade, instead of
	// Hello.Token. Cookies are sent with the upgrade.
	Bearer  client.Secret
	Cookies []*http.Cookie

	// HTTPClient makes the upgrade request: its Transport has the TLS
	// configuration and the proxy. nil means http.DefaultClient.
	HTTPClient *http.Client

	// Resume, OnState and OnEvent are those of client.Options. Until OnEvent returns,
	// nothing is read and pings are not answered.
	Resume  func() []protocol.Cursor
	OnState func(client.State)
	OnEvent func(protocol.Frame)
}

// Dial connects to the gateway at address and returns a client that is Ready. The client then
// stays connected until Stop.
//
// Dial tries again after every failure, and waits until a pairing is approved (OnState gets
// its code), until ctx ends. If the gateway refuses the credential, the error wraps a
// *protocol.Error. If ctx ends, the error includes the last failure.
func Dial(ctx context.Context, address string, o Options) (*client.Client, error) {
	t, err := NewTransport(address, o)
	if err != nil {
		return nil, err
	}
	hello := o.Hello
	hello.Own = hello.Own || !o.WriteForeign
	hello.Client = cmp.Or(hello.Client, &protocol.Client{Name: "gatehouse-go"})
	settled := make(chan client.State, 1)
	c := client.New(client.Options{
		Transport: t,
		Hello:     hello,
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
