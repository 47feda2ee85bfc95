package conntest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn/conntest"
)

func TestServeInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := conntest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/ws" {
				_, _ = io.WriteString(w, r.RemoteAddr)
				return
			}
			ws, err := websocket.Accept(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(time.Hour) // the bubble's
			if err := ws.Write(t.Context(), websocket.MessageText, []byte(r.Header.Get("X-Who")+" "+r.RemoteAddr)); err != nil {
				t.Error(err)
			}
			_ = ws.CloseNow()
		}))
		start := time.Now()
		a := srv.Dial(t, "/ws", http.Header{"X-Who": {"a"}})
		b := srv.Dial(t, "/ws", http.Header{"X-Who": {"b"}})
		_, fromA, errA := a.Read(t.Context())
		_, fromB, errB := b.Read(t.Context())
		if errA != nil || errB != nil || time.Since(start) != time.Hour {
			t.Fatalf("%v, %v after %v", errA, errB, time.Since(start))
		}
		addrA, okA := strings.CutPrefix(string(fromA), "a 127.0.0.1:")
		addrB, okB := strings.CutPrefix(string(fromB), "b 127.0.0.1:")
		if !okA || !okB || addrA == addrB {
			t.Errorf("%q and %q", fromA, fromB)
		}
		res, err := srv.Client().Get(srv.URL("/"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if body, err := io.ReadAll(res.Body); err != nil || !strings.HasPrefix(string(body), "127.0.0.1:") {
			t.Errorf("%q, %v", body, err)
		}
	})
}
