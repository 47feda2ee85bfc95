package webhook

import (
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/webhook"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestLibraryAccepts checks that a receiver with that library and the configured secret
// accepts the gateway's requests, and refuses requests signed with another key.
func TestLibraryAccepts(t *testing.T) {
	t.Parallel()
	key := []byte("a key of thirty-two bytes length")
	receiver, err := standardwebhooks.NewWebhook("whsec_" + base64.StdEncoding.EncodeToString(key))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		key  []byte
		fits bool
	}{{"the same key", key, true}, {"another key",
		[]byte("b key of thirty-two bytes length"), false}} {
		type request struct {
			body string
			err  error
		}
		requests := make(chan request, 1)
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				err = receiver.Verify(body, r.Header)
			}
			requests <- request{string(body), err}
		}))
		settings := webhook.Settings{URL: server.URL, Key: row.key,
			Events: []string{protocol.EventDeviceRequested}}
		sender := webhook.New(webhook.Options{Log: slog.New(slog.DiscardHandler),
			Settings: setting.Fixed(settings)})
		sender.PairingRequested(protocol.PendingDevice{DeviceID: "dev-1", DeviceName: "Firefox"})
		select {
		case got := <-requests:
			if fits := got.err == nil; fits != row.fits || !strings.Contains(got.body, `"deviceId":"dev-1"`) {
				t.Errorf("%s: %v: %s", row.name, got.err, got.body)
			}
		case <-time.After(30 * time.Second):
			t.Errorf("%s: no request within 30 s", row.name)
		}
		sender.Stop()
		server.Close()
	}
}
