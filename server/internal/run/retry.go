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
	// maxTries is how often an agent is asked that fails before its first word.
	maxTries = 4
	// firstWait is how long a Runner waits before it asks again; each further
	// wait is twice as long.
	firstWait = time.Second
	// maxRetrying is how long after the first try another may begin. A provider
	// that asks for more patience than that is not asked again.
	maxRetrying = time.Minute
)

// ask lets the agent answer. While it fails before its first word, in a way that
// may pass, it is asked again after a wait that everybody can see; the end of
// ctx, or a stop, ends the wait and the run.
func (s *stream) ask(ctx context.Context, a Agent, log *slog.Logger) result {
	began := time.Now()
	for tries := 1; ; tries++ {
		res, spoken := s.try(ctx, a, tries > 1, log)
		if spoken || ctx.Err() != nil {
			return res
		}
		wait := pause(res.err, tries)
		if wait == 0 || time.Since(began)+wait > maxRetrying || s.r.stops() {
			return tried(res, tries)
		}
		log.Warn("run: the agent failed before its first word and is asked again", "tries", tries, "wait", wait, "error", res.err)
		if err := s.said.add(agent.Piece{Activity: protocol.PhaseRetrying}); err != nil {
			return res
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return res
		case <-s.r.stopping:
			return tried(res, tries)
		}
	}
}

// try runs the agent once and says whether it has said a word; a panic in it
// ends only this run.
func (s *stream) try(ctx context.Context, a Agent, again bool, log *slog.Logger) (res result, spoken bool) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("run: panic in an agent", "panic", v, "stack", string(debug.Stack()))
			res.err = &agent.Error{Code: agent.Internal, Message: "The agent failed because of a bug. It was logged."}
		}
	}()
	messages := prompt(s.b.History, a.HistoryMessages)
	s.r.show(ctx, messages, a.Images, log)
	request := agent.Request{Messages: messages, Stream: s.b.Run.Stream, UserID: s.b.UserID}
	res.usage, res.err = a.Run(ctx, request, func(p agent.Piece) error {
		if !spoken && p.Text+p.Thinking != "" {
			spoken = true
			if again && p.Activity == "" {
				p.Activity = protocol.PhaseAnswering
			}
		}
		return s.said.add(p)
	})
	return res, spoken
}

// pause is how long to wait before the agent is asked again after so many tries,
// or 0 if it is not: never less than the provider asks for, and spread, so that
// runs that failed together do not come back together.
func pause(err error, tries int) time.Duration {
	var failure *agent.Error
	if !errors.As(err, &failure) || !failure.Retryable || failure.Emitted || tries >= maxTries {
		return 0
	}
	wait := firstWait << (tries - 1)
	return max(wait, failure.RetryAfter) + rand.N(wait/2) // #nosec G404 -- it keeps no secret
}

// tried tells the reader of a failure that the agent was asked more than once.
func tried(res result, tries int) result {
	var failure *agent.Error
	if tries > 1 && errors.As(res.err, &failure) {
		told := *failure
		told.Message = fmt.Sprintf("%s It was tried %d times.", failure.Message, tries)
		res.err = &told
	}
	return res
}
