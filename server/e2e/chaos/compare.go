package chaos

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// compare waits until every run has ended and compares what everybody has.
func (r *run) compare(ctx context.Context, report *Report) error {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	for _, user := range r.users {
		reader, err := newReader(ctx, r.proxy.targetAddress(), user)
		if err != nil {
			return err
		}
		r.readers[user] = reader
		if err := r.idle(ctx, reader, user); err != nil {
			return err
		}
		r.Log("%s is idle after %v", user, time.Since(r.began).Round(time.Millisecond))
		e, err := r.gather(ctx, reader, user)
		if err != nil {
			return err
		}
		report.count(e)
		r.noteFindings(e.check())
	}
	return nil
}

func (r *Report) count(e *evidence) {
	r.Sessions += len(e.sessions)
	for _, s := range e.sessions {
		for _, c := range s.copies {
			r.Messages += len(c.messages)
			for _, m := range c.messages {
				if m.HTML != nil {
					r.Formatted++
				}
			}
		}
	}
}

// idle waits until no session of the user has a run. Each run has to end within runLimit.
func (r *run) idle(ctx context.Context, reader *reader, user string) error {
	since := map[string]time.Time{} // by session and run
	for {
		busy, err := reader.busy(ctx)
		if err != nil {
			return fmt.Errorf("wait for the runs of %s: %w", user, err)
		}
		for key, is := range busy {
			if begun, ok := since[key+is.RunID]; !ok {
				since[key+is.RunID] = time.Now()
			} else if time.Since(begun) > runLimit {
				r.noteViolation(key, "run %q goes on for more than %v, %d are queued", is.RunID,
					runLimit, is.Queued)
				return nil
			}
		}
		if len(busy) == 0 {
			return nil
		}
		wait(ctx, 100*time.Millisecond)
	}
}

// gather collects what everybody has of a user's sessions.
func (r *run) gather(ctx context.Context, reader *reader, user string) (*evidence, error) {
	e := &evidence{sends: r.ledger.sendsOf(user), retries: r.ledger.retries,
		aborted: r.ledger.aborted, codes: r.ledger.codes}
	list, err := reader.sessions(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		is := session{key: s.Key, epoch: s.Epoch, lastSeq: s.LastSeq}
		if is.history, err = reader.history(ctx, s.Key); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Key, err)
		}
		fresh, err := reader.transcript(ctx, s.Key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Key, err)
		}
		is.copies = []transcript{{"a fresh client", fresh}}
		if is.log, err = reader.log(ctx, s.Key); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Key, err)
		}
		if is.log == nil && !r.compacts {
			r.noteViolation(s.Key, "the log cannot be read from the start, though nothing was removed")
		}
		r.checkLogWasSeen(is)
		is.copies = append(is.copies, r.copies(ctx, user, is)...)
		e.sessions = append(e.sessions, is)
	}
	return e, nil
}

// checkLogWasSeen checks that the log has the events that clients saw.
func (r *run) checkLogWasSeen(s session) {
	for _, f := range s.log {
		h, ok := digestEvent(f)
		if !ok || !r.seen.record(s.epoch, f.Seq, h.sum) {
			r.noteViolation(s.key, "seq %d of the log is not what was seen: %s %s", f.Seq,
				f.Event, f.Payload)
		}
		if h.kind == protocol.RunFailed {
			r.ledger.fail(h.run, h.code)
		}
	}
}

// copies returns the transcripts of the user's clients, as soon as each has caught up by
// itself.
func (r *run) copies(ctx context.Context, user string, s session) (all []transcript) {
	ctx, cancel := context.WithTimeout(ctx, catchUpLimit)
	defer cancel()
	for _, d := range r.devices {
		if d.user != user && !slices.Contains(d.watched, s.key) {
			continue
		}
		has, err := d.caughtUp(ctx, s.key, s.epoch, s.lastSeq)
		if err != nil {
			r.noteViolation(s.key, "%s did not come to have everything: %v", d.name, err)
			continue
		}
		all = append(all, transcript{d.name, has})
	}
	for _, c := range r.followersOf(s.key) {
		has, err := c.caughtUp(ctx, s)
		if err != nil {
			r.noteViolation(s.key, "%s did not come to have everything: %v", c.name, err)
			continue
		}
		all = append(all, transcript{c.name, has})
	}
	return all
}

// inspect checks the database of the stopped gateway.
func (r *run) inspect(ctx context.Context, report *Report) error {
	findings, runs, err := inspect(ctx, r.gateway.database(), r.ledger.sends)
	r.noteFindings(findings)
	report.Runs = runs
	return err
}

func (r *run) noteFindings(findings []finding) {
	for _, f := range findings {
		r.noteViolation(f.session, "%s", f.what)
		r.mu.Lock()
		r.findings.losses += f.losses
		r.findings.doubles += f.doubles
		r.mu.Unlock()
	}
}
