package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// storeRetryMs is the delay after which a client may try again if the store was
// unavailable.
const storeRetryMs = 2000

// Refusal turns an error into what the client may know, and logs the cause.
func (g *Gateway) Refusal(err error) *protocol.Error {
	var refused *protocol.Error
	if errors.As(err, &refused) {
		if err != error(refused) {
			g.logFailure(slog.LevelWarn, "request refused", err)
		}
		return refused
	}
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled) {
		g.logFailure(slog.LevelError, "request failed: store unavailable", err)
		return &protocol.Error{Code: protocol.Unavailable, Retryable: true, RetryAfterMs: storeRetryMs,
			Message: "the gateway cannot reach its store right now: nothing was changed, try again"}
	}
	id := rand.Text()[:12]
	g.Log.Error("request failed unexpectedly", "id", id, "error", err)
	return protocol.Refuse(protocol.Internal,
		"something went wrong in the gateway; it was logged as "+id)
}

// failureLines bounds the log lines a minute about failed requests: while the store is
// unavailable, all requests fail.
const failureLines = 60

// logFailure logs why a request failed. Lines over the limit are dropped, and the next
// line has their number.
func (g *Gateway) logFailure(level slog.Level, what string, err error) {
	if !g.failures.Allow() {
		g.leftOut.Add(1)
		return
	}
	g.Log.Log(context.Background(), level, what, "error", err, "left_out", g.leftOut.Swap(0))
}

// Cause says why the store is not ready, without details.
func (g *Gateway) Cause(err error) string {
	var cause store.Cause
	if !errors.As(err, &cause) {
		return "the store does not answer"
	}
	return string(cause)
}

// errPanic stands for a panic, which was logged with its stack.
var errPanic = errors.New("panic")
