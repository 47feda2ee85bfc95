package agent_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

func TestErrorKeepsItsCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection refused")
	err := fmt.Errorf("run r1: %w",
		&agent.Error{Code: agent.Unavailable, Message: "Is it running?",
			RetryAfter: 2 * time.Second, Cause: cause})
	var failure *agent.Error
	if !errors.As(err, &failure) || !errors.Is(err, cause) {
		t.Fatalf("%v does not unwrap to the failure and its cause", err)
	}
	if want := "run r1: UNAVAILABLE: Is it running? (connection refused)"; err.Error() != want {
		t.Errorf("Error() = %q, want %q", err, want)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Error("run failed", "error", failure)
	for _, want := range []string{"error.code=UNAVAILABLE", `error.cause="connection refused"`,
		"error.retry_after=2s", "error.retryable=false"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log line %s lacks %s", log.String(), want)
		}
	}
}
