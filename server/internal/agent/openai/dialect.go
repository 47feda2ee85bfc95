package openai

import (
	"sync"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent/upstream"
)

// dialect is what a server or its model has refused so far, so that no request has it
// any more.
type dialect struct {
	noUsage       bool // stream_options, which ask for the usage
	noStream      bool // stream
	noSystem      bool // messages with the role system
	noTemperature bool
	maxTokens     maxTokensName
}

// maxTokensName says under which name the limit of an answer is sent.
type maxTokensName uint8

const (
	tokensAsConfigured maxTokensName = iota
	tokensRenamed                    // under the other of the two names
	tokensLeftOut
)

// apply removes from p what was refused.
func (d dialect) apply(p *sdk.ChatCompletionNewParams) {
	if !d.noUsage && !d.noStream {
		p.StreamOptions.IncludeUsage = sdk.Bool(true)
	}
	if d.noTemperature {
		p.Temperature = param.Opt[float64]{}
	}
	switch d.maxTokens {
	case tokensRenamed:
		p.MaxTokens, p.MaxCompletionTokens = p.MaxCompletionTokens, p.MaxTokens
	case tokensLeftOut:
		p.MaxTokens, p.MaxCompletionTokens = param.Opt[int64]{}, param.Opt[int64]{}
	}
}

// sharedDialect is the dialect of an agent, for all of its runs. It is safe for concurrent
// use.
type sharedDialect struct {
	// mu guards the following field.
	mu sync.Mutex
	d  dialect
}

func (s *sharedDialect) load() dialect {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.d
}

// learn stores what err says was refused in a request that was sent in the dialect sent.
// It reports whether the request should be sent again. limited and tempered say whether
// the configuration has a limit of tokens and a temperature.
func (s *sharedDialect) learn(sent dialect, err error, limited, tempered bool) bool {
	if err == nil {
		return false
	}
	next := sent
	switch {
	case !sent.noUsage && !sent.noStream && upstream.RefusedParameter(err, "stream_options"):
		next.noUsage = true
	case limited && sent.maxTokens != tokensLeftOut &&
		(upstream.RefusedParameter(err, "max_tokens") ||
			upstream.RefusedParameter(err, "max_completion_tokens")):
		next.maxTokens++
	case tempered && !sent.noTemperature && upstream.RefusedParameter(err, "temperature"):
		next.noTemperature = true
	case !sent.noStream && refusedStream(err):
		next.noStream = true
	case !sent.noSystem && upstream.RefusedSystemRole(err):
		next.noSystem = true
	default:
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.d = s.d.merge(next)
	return true
}

// merge returns what d or other has refused: another run may have learnt something else
// meanwhile.
func (d dialect) merge(other dialect) dialect {
	return dialect{
		noUsage: d.noUsage || other.noUsage, noStream: d.noStream || other.noStream,
		noSystem:      d.noSystem || other.noSystem,
		noTemperature: d.noTemperature || other.noTemperature,
		maxTokens:     max(d.maxTokens, other.maxTokens),
	}
}

// refusedStream reports whether err says that the model does not stream.
func refusedStream(err error) bool {
	for _, words := range []string{"'stream'", "`stream`", `"stream"`, "streaming", "body.stream:",
		"to stream"} {
		if upstream.RefusedParameter(err, words) {
			return true
		}
	}
	return upstream.NamedParameter(err, "stream")
}
