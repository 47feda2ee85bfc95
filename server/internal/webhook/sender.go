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
	// maxQueued bounds the messages that are not delivered yet.
	maxQueued = 100
	// maxAtOnce bounds the requests that are sent at the same time.
	maxAtOnce = 4
	// tryTimeout bounds one try, including the receiver's answer.
	tryTimeout = 10 * time.Second
	// maxAnswer bounds how much of an answer is read, in bytes. Reading lets the
	// connection be used again.
	maxAnswer = 16 << 10
	// maxRetryAfter bounds the pause that a receiver can ask for.
	maxRetryAfter = 10 * time.Minute
)

// retryDelays are the pauses before each further try: eight tries within ten
// minutes. A pause is longer if the receiver asks for that.
func retryDelays() []time.Duration {
	return []time.Duration{
		5 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute,
	}
}

// Settings are what the configuration says about the webhook. Without a URL nothing
// is sent.
type Settings struct {
	URL    string   // http or https
	Key    []byte   // signs the messages
	Events []string // names of the events to send
}

// Options are what a Sender needs.
type Options struct {
	Log      *slog.Logger
	Settings setting.Live[Settings] // read before each try
}

// Sender delivers messages. It is safe for concurrent use.
type Sender struct {
	o      Options
	client *http.Client
	slots  chan struct{} // one element per request that is being sent

	ctx        context.Context // ends with Stop
	cancel     context.CancelFunc
	deliveries sync.WaitGroup // a goroutine per queued message

	// mu guards the following field, and that no message is queued after Stop.
	mu     sync.Mutex
	queued int
}

// New returns a Sender. The caller must call Stop in the end.
func New(o Options) *Sender {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConns: maxAtOnce, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: tryTimeout, MaxResponseHeaderBytes: maxAnswer, ForceAttemptHTTP2: true,
	}
	s := &Sender{o: o, slots: make(chan struct{}, maxAtOnce), client: &http.Client{
		Transport: transport, Timeout: tryTimeout,
		// Signed messages go to the configured URL only: redirects are not followed.
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// PairingRequested notifies of a browser that asks to be paired. It does not block.
func (s *Sender) PairingRequested(p protocol.PendingDevice) {
	s.enqueue(protocol.EventDeviceRequested, newPairingRequested(p))
}

// PairingResolved notifies of a request that was resolved, or a device whose access
// ended. It does not block.
func (s *Sender) PairingResolved(r protocol.DeviceResolved) {
	s.enqueue(protocol.EventDeviceResolved, newPairingResolved(r))
}

// Stop ends all tries and returns when they have ended. Messages that were not
// delivered are lost; their number is logged.
func (s *Sender) Stop() {
	s.mu.Lock()
	lost := s.queued
	s.cancel()
	s.mu.Unlock()
	s.deliveries.Wait()
	s.client.CloseIdleConnections()
	if lost > 0 {
		s.o.Log.Warn("webhook: messages lost, since the gateway shuts down", "messages", lost)
	}
}

// enqueue queues a message if the settings want its event.
func (s *Sender) enqueue(event string, data any) {
	if !s.o.Settings().wants(event) {
		return
	}
	m, err := newMessage(event, data)
	if err != nil {
		s.o.Log.Error("webhook: message lost, since it has no form in JSON",
			"event", event, "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ctx.Err() != nil:
		return
	case s.queued >= maxQueued:
		s.o.Log.Error("webhook: message lost, since the queue is full",
			"event", event, "id", m.id)
		return
	}
	s.queued++
	s.deliveries.Go(func() {
		s.deliver(m)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.queued--
	})
}

// wants reports whether messages of the event are to be sent.
func (to Settings) wants(event string) bool {
	return to.URL != "" && slices.Contains(to.Events, event)
}

// deliver sends the message until the receiver has accepted it, refuses further tries,
// or has failed too often.
func (s *Sender) deliver(m message) {
	log := s.o.Log.With("event", m.event, "id", m.id)
	for tries := 1; ; tries++ {
		again, err := s.try(m)
		if err == nil || s.ctx.Err() != nil {
			return
		}
		delays := retryDelays()
		if !again || tries > len(delays) {
			log.Error("webhook: message lost, since it was not delivered",
				"tries", tries, "error", err)
			return
		}
		pause := max(delays[tries-1], retryAfterOf(err))
		log.Warn("webhook: message not delivered yet", "tries", tries, "next", pause, "error", err)
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
			return
		}
	}
}

// try sends the message once, to the URL of the current settings. If it fails, again
// says whether another try may succeed. The error contains no more of the URL than its
// host, since the rest may be secret.
func (s *Sender) try(m message) (again bool, err error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-s.ctx.Done():
		return false, s.ctx.Err()
	}
	to := s.o.Settings()
	if !to.wants(m.event) {
		return false, nil // the settings have changed
	}
	r, err := http.NewRequestWithContext(s.ctx, http.MethodPost, to.URL, bytes.NewReader(m.body))
	if err != nil {
		return false, errors.New("webhook.url is not a URL")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Gatehouse")
	m.sign(r.Header, to.Key, time.Now())
	answer, err := s.client.Do(r)
	if err != nil {
		return true, fmt.Errorf("%s: %w", r.URL.Host, withoutURL(err))
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // only the status matters
	failure := fmt.Errorf("%s answered %s", r.URL.Host, answer.Status)
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return false, nil
	case answer.StatusCode == http.StatusGone: // Standard Webhooks: send no more
		return false, failure
	}
	return true, &refused{failure, retryAfter(answer.Header)}
}

// refused is the error of an answer that is no success.
type refused struct {
	error
	after time.Duration // the pause that the receiver asks for
}

// retryAfterOf returns the pause that the receiver asked for, or 0.
func retryAfterOf(err error) time.Duration {
	if r := new(refused); errors.As(err, &r) {
		return r.after
	}
	return 0
}

// retryAfter returns the pause in a Retry-After header, which is a time or a number of
// seconds (RFC 9110 §10.2.3). It returns at most maxRetryAfter, and 0 if the header is
// missing or malformed.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), maxRetryAfter)
	}
	seconds, err := strconv.ParseUint(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return maxRetryAfter
	case err != nil:
		return 0
	}
	bounded := min(seconds, uint64(maxRetryAfter/time.Second))
	return time.Duration(bounded) * time.Second // #nosec G115 -- bounded is at most 600
}

// withoutURL returns the error of a request without the URL, which may be secret.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
