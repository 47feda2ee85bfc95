package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxWaiting bounds the messages that are not told yet.
	maxWaiting = 100
	// maxAtOnce bounds the requests under way.
	maxAtOnce = 4
	// tryTimeout bounds one try, with all that the receiver answers.
	tryTimeout = 10 * time.Second
	// maxAnswer bounds what of an answer is read, in bytes, so that its connection
	// can be used again.
	maxAnswer = 16 << 10
)

// maxAsked bounds how long a receiver may have a try wait.
const maxAsked = 10 * time.Minute

// waits are how long each further try waits, or longer if the receiver asks for
// that: eight tries within ten minutes.
func waits() []time.Duration {
	return []time.Duration{
		5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute,
	}
}

// Settings are what the configuration says of the webhook: where it goes and for
// which events. Without a URL nothing is sent.
type Settings struct {
	URL    string // http or https
	Key    []byte // signs each message
	Events []string
}

// Options are what a Sender needs.
type Options struct {
	Log      *slog.Logger
	Settings setting.Live[Settings] // asked before each try
}

// Sender tells. It is safe for concurrent use.
type Sender struct {
	o      Options
	client *http.Client
	turns  chan struct{} // a slot a request under way

	ctx     context.Context
	stop    context.CancelFunc
	mu      sync.Mutex
	waiting int
	tries   sync.WaitGroup
}

// New makes a Sender. It runs goroutines while there is something to tell, until
// Stop.
func New(o Options) *Sender {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConns: maxAtOnce, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: tryTimeout, MaxResponseHeaderBytes: maxAnswer, ForceAttemptHTTP2: true,
	}
	s := &Sender{o: o, turns: make(chan struct{}, maxAtOnce), client: &http.Client{
		Transport: transport, Timeout: tryTimeout,
		// The signature is for the address that was configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// PairingRequested tells of a browser that asks to be let in.
func (s *Sender) PairingRequested(p protocol.PendingDevice) {
	s.tell(protocol.EventDeviceRequested, requestedOf(p))
}

// PairingResolved tells of what became of a request or a device.
func (s *Sender) PairingResolved(r protocol.DeviceResolved) {
	s.tell(protocol.EventDeviceResolved, resolvedOf(r))
}

// Stop ends all tries and waits for that. What was not told is lost; the log says
// how much.
func (s *Sender) Stop() {
	s.mu.Lock()
	lost := s.waiting
	s.stop()
	s.mu.Unlock()
	s.tries.Wait()
	s.client.CloseIdleConnections()
	if lost > 0 {
		s.o.Log.Warn("webhook: the stop ends what was not told yet", "messages", lost)
	}
}

// tell queues a message, if anybody wants it. It does not block.
func (s *Sender) tell(event string, data any) {
	if !s.o.Settings().wants(event) {
		return
	}
	m, err := newMessage(event, data)
	if err != nil {
		s.o.Log.Error("webhook: a message cannot be made", "event", event, "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ctx.Err() != nil:
		return
	case s.waiting >= maxWaiting:
		s.o.Log.Error("webhook: too much waits to be told; this is left out", "event", event, "id", m.id)
		return
	}
	s.waiting++
	s.tries.Go(func() {
		s.deliver(m)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waiting--
	})
}

func (to Settings) wants(event string) bool { return to.URL != "" && slices.Contains(to.Events, event) }

// deliver tries until the receiver has taken the message, or wants no more.
func (s *Sender) deliver(m message) {
	log := s.o.Log.With("event", m.event, "id", m.id)
	for tries := 1; ; tries++ {
		again, err := s.try(m)
		if err == nil || s.ctx.Err() != nil {
			return
		}
		pauses := waits()
		if !again || tries > len(pauses) {
			log.Error("webhook: not told", "tries", tries, "error", err)
			return
		}
		pause := max(pauses[tries-1], asked(err))
		log.Warn("webhook: not told yet", "tries", tries, "next", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
			return
		}
	}
}

// try sends the message once, to whoever is told now. Its error names no more of
// the address than the host.
func (s *Sender) try(m message) (again bool, err error) {
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-s.ctx.Done():
		return false, s.ctx.Err()
	}
	to := s.o.Settings()
	if !to.wants(m.event) {
		return false, nil // it was turned off meanwhile
	}
	r, err := http.NewRequestWithContext(s.ctx, http.MethodPost, to.URL, bytes.NewReader(m.body))
	if err != nil {
		return false, errors.New("webhook.url is no address")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Gatehouse")
	m.sign(r.Header, to.Key, time.Now())
	answer, err := s.client.Do(r)
	if err != nil {
		return true, fmt.Errorf("%s: %w", r.URL.Host, withoutAddress(err))
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // its status says it all
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return false, nil
	case answer.StatusCode == http.StatusGone: // it wants no more
		return false, fmt.Errorf("%s answered %s", r.URL.Host, answer.Status)
	}
	return true, &notTaken{fmt.Errorf("%s answered %s", r.URL.Host, answer.Status), retryAfter(answer.Header)}
}

// notTaken is an answer that may be another one later.
type notTaken struct {
	error
	after time.Duration // what the receiver asks for
}

// asked is how long the next try is to wait at least.
func asked(err error) time.Duration {
	if refused := new(notTaken); errors.As(err, &refused) {
		return refused.after
	}
	return 0
}

// retryAfter reads both forms of Retry-After (RFC 9110 §10.2.3): at most maxAsked,
// and zero for what is neither.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), maxAsked)
	}
	seconds, err := strconv.ParseUint(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return maxAsked
	case err != nil:
		return 0
	}
	return time.Duration(min(seconds, uint64(maxAsked/time.Second))) * time.Second // #nosec G115 -- at most maxAsked
}

// withoutAddress is what went wrong with a request without its URL, which may
// hold a secret.
func withoutAddress(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
