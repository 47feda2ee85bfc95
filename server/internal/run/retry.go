package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxTries limits how often an agent is run if it fails before it emits text.
	maxTries = 4
	// firstRetryDelay is the delay before the second try. Each further delay is twice as
	// long.
	firstRetryDelay = time.Second
	// retryWindow limits the time from the first try to the last one. If the provider
	// asks for a longer delay, there is no retry.
	retryWindow = time.Minute
	// limitWindow is the retryWindow while a rate limit is waited for: many limits count
	// the requests of a minute.
	limitWindow = 2 * time.Minute
)

// runAgent lets the agent answer. If the agent fails before it has emitted text, and the
// failure may be temporary, runAgent retries after a delay. Readers see why and until when
// it waits. The delay ends early, and the run with it, when ctx is done or the
// Runner stops.
func (s *stream) runAgent(ctx context.Context, a Agent, log *slog.Logger) result {
	start := time.Now()
	for tries := 1; ; tries++ {
		res, emitted := s.try(ctx, a, tries > 1, log)
		if emitted || ctx.Err() != nil {
			return res
		}
		delay, reason, window := retryDelay(res.err, tries)
		if delay == 0 || time.Since(start)+delay > window || s.r.isStopping() {
			return withTries(res, tries)
		}
		log.Warn("run: the agent failed before it emitted text, will retry", "tries", tries,
			"delay", delay, "error", res.err)
		if err := s.buffer.addWait(reason, time.Now().Add(delay)); err != nil {
			return res
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return res
		case <-s.r.stopping:
			return withTries(res, tries)
		}
	}
}

// try runs the agent once, and reports whether it has emitted text or thinking. A panic
// of the agent becomes an error.
func (s *stream) try(ctx context.Context, a Agent, isRetry bool,
	log *slog.Logger) (res result, emitted bool) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("run: panic in an agent", "panic", v, "stack", string(debug.Stack()))
			res.err = &agent.Error{Code: agent.Internal,
				Message: "The agent failed because of a bug. It was logged."}
		}
	}()
	messages := prompt(s.b.History, a.HistoryMessages)
	s.r.loadFiles(ctx, messages, a.Images, log)
	request := agent.Request{Messages: messages, Stream: s.b.Run.Stream, UserID: s.b.UserID}
	res.usage, res.err = a.Run(ctx, request, func(p agent.Piece) error {
		if !emitted && p.Text+p.Thinking != "" {
			emitted = true
			if isRetry && p.Activity == "" {
				p.Activity = protocol.PhaseAnswering
			}
		}
		return s.buffer.add(p)
	})
	return res, emitted
}

// retryDelay returns the delay before the next try, or 0 if there must be none; why it is
// waited for; and the time that all tries may take. The delay is at least what the provider
// asks for, and partly random, so that runs that failed together do not retry together.
func retryDelay(err error, tries int) (delay time.Duration, reason string, window time.Duration) {
	var failure *agent.Error
	if !errors.As(err, &failure) || !failure.Retryable || failure.Emitted || tries >= maxTries {
		return 0, "", 0
	}
	reason, window = protocol.WaitServer, retryWindow
	if failure.Code == agent.ResourceExhausted {
		reason, window = protocol.WaitRateLimit, limitWindow
	}
	delay = firstRetryDelay << (tries - 1)
	delay = max(delay, failure.RetryAfter) + rand.N(delay/2) // #nosec G404 -- not for a secret
	return delay, reason, window
}

// withTries adds the number of tries to the message of a failure, if there were several.
func withTries(res result, tries int) result {
	var failure *agent.Error
	if tries > 1 && errors.As(res.err, &failure) {
		copied := *failure
		copied.Message = fmt.Sprintf("%s It was tried %d times.", failure.Message, tries)
		res.err = &copied
	}
	return res
}
