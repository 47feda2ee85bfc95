package sqlite

import (
	"iter"
	"slices"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Sessions returns the store of sessions and their logs.
func (s *Store) Sessions() session.Store {
	return part[session.Tx]{s, func(tx *Tx) session.Tx { return sessionTx{tx} }}
}

type sessionTx struct{ tx *Tx }

// millis returns a time as it is stored, in milliseconds since 1970.
func millis(t time.Time) int64 { return int64(protocol.At(t)) }

// moment returns a stored time.
func moment(ms int64) time.Time { return protocol.Time(ms).Go() }

// activeStatuses is the condition of a run that is queued or running.
const activeStatuses = `status IN ('queued', 'running')`

const sessionColumns = `id, key, user_id, agent_id, label, pinned, epoch, last_seq, floor, created_at, updated_at, deleted_at,
	message_count, EXISTS (SELECT 1 FROM runs INDEXED BY runs_active WHERE runs.session_id = sessions.id AND ` + activeStatuses + `)`

func scanSession(row Row) (r session.Record, err error) {
	var created, updated, deleted int64
	err = row.Scan(&r.ID, &r.Key, &r.UserID, &r.AgentID, &r.Label, &r.Pinned, &r.Epoch, &r.LastSeq,
		&r.Floor, &created, &updated, &deleted, &r.Messages, &r.Running)
	r.CreatedAt, r.UpdatedAt, r.DeletedAt = moment(created), moment(updated), moment(deleted)
	return r, err
}

func (t sessionTx) Session(key string) (session.Record, error) {
	return one(t.tx.Query(`SELECT `+sessionColumns+` FROM sessions WHERE key = ?`, key),
		scanSession)
}

func (t sessionTx) SessionByID(id int64) (session.Record, error) {
	return one(t.tx.Query(`SELECT `+sessionColumns+` FROM sessions WHERE id = ?`, id), scanSession)
}

func (t sessionTx) SaveSession(r *session.Record) error {
	if r.ID != 0 {
		n, err := t.tx.Exec(`UPDATE sessions SET agent_id = ?, label = ?, pinned = ?, epoch = ?, last_seq = ?, floor = ?,
			created_at = ?, updated_at = ?, deleted_at = ? WHERE id = ?`,
			r.AgentID, r.Label, r.Pinned, r.Epoch, r.LastSeq, r.Floor,
			millis(r.CreatedAt), millis(r.UpdatedAt), millis(r.DeletedAt), r.ID)
		if err == nil && n == 0 {
			return store.ErrNotFound
		}
		return err
	}
	return t.tx.QueryRow(`INSERT INTO sessions
		(key, user_id, agent_id, label, pinned, epoch, last_seq, floor, created_at, updated_at, deleted_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		r.Key, r.UserID, r.AgentID, r.Label, r.Pinned, r.Epoch, r.LastSeq, r.Floor,
		millis(r.CreatedAt), millis(r.UpdatedAt), millis(r.DeletedAt)).Scan(&r.ID)
}

func (t sessionTx) Advance(id int64, runID string, n int) (lastSeq int64, err error) {
	return one(t.tx.Query(`UPDATE sessions SET last_seq = last_seq + ? WHERE id = ?
		AND EXISTS (SELECT 1 FROM runs WHERE runs.id = ? AND session_id = sessions.id AND status = 'running')
		RETURNING last_seq`, n, id, runID), func(row Row) (seq int64, err error) {
		err = row.Scan(&seq)
		return seq, err
	})
}

func (t sessionTx) ClearSession(id int64) error {
	for _, statement := range []string{
		`DELETE FROM events WHERE session_id = ?`,
		`DELETE FROM messages WHERE session_id = ?`,
		`DELETE FROM runs WHERE session_id = ?`,
		`UPDATE sessions SET message_count = 0 WHERE id = ?`,
	} {
		if _, err := t.tx.Exec(statement, id); err != nil {
			return err
		}
	}
	return t.freeMedia(id)
}

// listStart is a position before all sessions.
var listStart = session.Position{Pinned: true, UpdatedAt: maxInteger, ID: maxInteger}

func (t sessionTx) Sessions(q session.List) ([]session.Record, error) {
	where, args := listed(q)
	return all(t.tx.Query(`SELECT `+sessionColumns+where, args...), scanSession)
}

func (t sessionTx) Candidates(q session.List) ([]session.Candidate, error) {
	where, args := listed(q)
	return all(t.tx.Query(`SELECT id, pinned, updated_at, agent_id, label, key, user_id`+where, args...),
		func(row Row) (c session.Candidate, err error) {
			err = row.Scan(&c.ID, &c.Pinned, &c.UpdatedAt, &c.AgentID, &c.Label, &c.Key, &c.UserID)
			return c, err
		})
}

// listed returns the end of a query for a part of the list of a user, or of the list of
// all, with its arguments. An index has the rows in their order.
func listed(q session.List) (where string, args []any) {
	after := q.After
	if after == nil {
		after = &listStart
	}
	owner := ""
	if q.UserID != "" {
		owner = `user_id = ? AND `
		args = append(args, q.UserID)
	}
	return ` FROM sessions WHERE ` + owner + `deleted_at = 0 AND (pinned, updated_at, id) < (?, ?, ?)
		ORDER BY pinned DESC, updated_at DESC, id DESC LIMIT ? OFFSET ?`,
		append(args, after.Pinned, after.UpdatedAt, after.ID, q.Limit, q.Offset)
}

func (t sessionTx) CountSessions(userID string, most int) (n int, err error) {
	owner := `pinned IN (0, 1)` // names a column of the index
	args := []any{}
	if userID != "" {
		owner = `user_id = ?`
		args = append(args, userID)
	}
	err = t.tx.QueryRow(`SELECT count(*) FROM (SELECT 1 FROM sessions WHERE `+owner+` AND deleted_at = 0 LIMIT ?)`,
		append(args, most)...).Scan(&n)
	return n, err
}

func (t sessionTx) AppendEvent(sessionID int64, e session.StoredEvent) error {
	_, err := t.tx.Exec(`INSERT INTO events (session_id, seq, name, kind, run_id, payload) VALUES (?, ?, ?, ?, ?, ?)`,
		sessionID, e.Seq, e.Name, e.Kind, e.RunID, e.Payload)
	return err
}

func (t sessionTx) Events(sessionID, after int64,
	limit session.Span) (events []session.StoredEvent, err error) {
	size := 0
	for row, err := range t.tx.Query(`SELECT `+eventColumns+` FROM events
		WHERE session_id = ? AND seq > ? ORDER BY seq LIMIT ?`, sessionID, after, max(0, limit.Events)) {
		if err != nil {
			return nil, err
		}
		e, err := scanEvent(row)
		if err != nil {
			return nil, err
		}
		if size += len(e.Payload); size > limit.Bytes && len(events) > 0 {
			break
		}
		events = append(events, e)
	}
	return events, nil
}

const eventColumns = `seq, name, kind, run_id, payload`

func scanEvent(row Row) (e session.StoredEvent, err error) {
	err = row.Scan(&e.Seq, &e.Name, &e.Kind, &e.RunID, &e.Payload)
	return e, err
}

func (t sessionTx) RunEvents(sessionID int64, runID string, after,
	through int64) ([]session.StoredEvent, error) {
	return all(t.tx.Query(`SELECT `+eventColumns+` FROM events
		WHERE session_id = ? AND seq > ? AND seq <= ? AND run_id = ? AND name = 'agent' ORDER BY seq`,
		sessionID, after, through, runID), scanEvent)
}

func (t sessionTx) LastRunEvent(sessionID, after int64, runID string,
	kinds [2]string) (session.StoredEvent, error) {
	return one(t.tx.Query(`SELECT `+eventColumns+` FROM events
		WHERE session_id = ? AND seq > ? AND run_id = ? AND name = 'agent' AND kind IN (?, ?) ORDER BY seq DESC LIMIT 1`,
		sessionID, after, runID, kinds[0], kinds[1]), scanEvent)
}

func (t sessionTx) RemoveEvents(sessionID, through int64,
	limit int) (removed int, last int64, err error) {
	return t.countRemoved(t.tx.Query(`DELETE FROM events WHERE rowid IN (SELECT rowid FROM events
		WHERE session_id = ? AND seq <= ? ORDER BY seq LIMIT ?) RETURNING seq`, sessionID, through, limit))
}

func (t sessionTx) RemovePieces(r session.Run, after int64,
	limit int) (removed int, last int64, err error) {
	return t.countRemoved(t.tx.Query(`DELETE FROM events WHERE rowid IN (SELECT rowid FROM events
		WHERE session_id = ? AND seq > ? AND seq < ? AND run_id = ? AND name = 'agent' AND kind IN ('chunk', 'thinking', 'activity')
		ORDER BY seq LIMIT ?) RETURNING seq`, r.SessionID, after, r.EndSeq, r.ID, limit))
}

// countRemoved returns the number of removed rows and the highest of their seqs.
func (t sessionTx) countRemoved(rows iter.Seq2[Row, error]) (n int, last int64, err error) {
	seqs, err := all(rows, func(row Row) (seq int64, err error) {
		err = row.Scan(&seq)
		return seq, err
	})
	if len(seqs) == 0 || err != nil {
		return 0, 0, err
	}
	return len(seqs), slices.Max(seqs), nil
}

const messageColumns = `anchor, seq, id, role, content, status, created_at, run_id, reply_to, label,
	author_user, author_role, thinking, error, media, finish, rejected`

func scanMessage(row Row) (m session.Message, err error) {
	var created int64
	var author protocol.Author
	var files string
	err = row.Scan(&m.Anchor, &m.Seq, &m.ID, (*string)(&m.Role), &m.Content, (*string)(&m.Status),
		&created, &m.RunID, &m.ReplyTo, &m.Label, &author.UserID, (*string)(&author.Role),
		&m.Thinking, &m.Error, &files, (*string)(&m.Finish), &m.Rejected)
	if err != nil {
		return session.Message{}, err
	}
	m.CreatedAt = protocol.Time(created)
	if author.UserID != "" {
		m.Author = &author
	}
	m.Media, err = mediaList(files)
	return m, err
}

func (t sessionTx) SaveMessage(sessionID int64, m session.Message) error {
	var author protocol.Author
	if m.Author != nil {
		author = *m.Author
	}
	files, err := mediaText(m.Media)
	if err != nil {
		return err
	}
	_, err = t.tx.Exec(`INSERT INTO messages (session_id, `+messageColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (session_id, anchor, seq) DO UPDATE SET content = excluded.content, status = excluded.status,
			label = excluded.label, thinking = excluded.thinking, error = excluded.error,
			finish = excluded.finish, rejected = excluded.rejected`,
		sessionID, m.Anchor, m.Seq, m.ID, string(m.Role), m.Content, string(m.Status),
		int64(m.CreatedAt), m.RunID, m.ReplyTo, m.Label, author.UserID, string(author.Role),
		m.Thinking, m.Error, files, string(m.Finish), m.Rejected)
	return err
}

func (t sessionTx) Message(sessionID int64, id string) (session.Message, error) {
	return one(t.tx.Query(`SELECT `+messageColumns+` FROM messages WHERE session_id = ? AND id = ?`, sessionID, id),
		scanMessage)
}

func (t sessionTx) MessageAt(sessionID, seq int64) (session.Message, error) {
	return one(t.tx.Query(`SELECT `+messageColumns+` FROM messages WHERE session_id = ? AND seq = ?`, sessionID, seq),
		scanMessage)
}

// maxInteger is higher than every stored time, id and anchor.
const maxInteger = 1 << 62

func (t sessionTx) Messages(sessionID int64, before session.Place,
	limit session.Bound) (messages []session.Message, more bool, err error) {
	if before == (session.Place{}) {
		before.Anchor = maxInteger
	}
	size := 0
	for row, err := range t.tx.Query(`SELECT `+messageColumns+` FROM messages WHERE session_id = ? AND (anchor, seq) < (?, ?)
		ORDER BY anchor DESC, seq DESC LIMIT ?`, sessionID, before.Anchor, before.Seq, limit.Messages+1) {
		if err != nil {
			return nil, false, err
		}
		m, err := scanMessage(row)
		if err != nil {
			return nil, false, err
		}
		size += len(m.Content) + len(m.Thinking)
		if more = len(messages) > 0 && (size > limit.Bytes || len(messages) == limit.Messages); more {
			break
		}
		messages = append(messages, m)
	}
	slices.Reverse(messages)
	return messages, more, nil
}

const runColumns = `id, session_id, user_id, agent_id, user_message_id, answer_id, status, queue_seq, stream,
	holder, lease_until, created_at, ended_at, end_seq, folded, error_code, error, input_tokens, output_tokens`

func scanRun(row Row) (r session.Run, err error) {
	var lease, created, ended int64
	err = row.Scan(&r.ID, &r.SessionID, &r.UserID, &r.AgentID, &r.UserMessageID, &r.AnswerID,
		(*string)(&r.Status), &r.Order, &r.Stream, &r.Holder, &lease, &created, &ended, &r.EndSeq,
		&r.Compacted, (*string)(&r.ErrorCode), &r.Error, &r.Usage.InputTokens,
		&r.Usage.OutputTokens)
	r.LeaseUntil, r.CreatedAt, r.EndedAt = moment(lease), moment(created), moment(ended)
	return r, err
}

func (t sessionTx) SaveRun(r session.Run) error {
	_, err := t.tx.Exec(`INSERT INTO runs (`+runColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET answer_id = excluded.answer_id, status = excluded.status,
			holder = excluded.holder, lease_until = excluded.lease_until, ended_at = excluded.ended_at,
			end_seq = excluded.end_seq, folded = excluded.folded, error_code = excluded.error_code, error = excluded.error,
			input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens`,
		r.ID, r.SessionID, r.UserID, r.AgentID, r.UserMessageID, r.AnswerID, string(r.Status),
		r.Order, r.Stream, r.Holder, millis(r.LeaseUntil), millis(r.CreatedAt), millis(r.EndedAt),
		r.EndSeq, r.Compacted, string(r.ErrorCode), r.Error, r.Usage.InputTokens,
		r.Usage.OutputTokens)
	return err
}

func (t sessionTx) Run(id string) (session.Run, error) {
	return one(t.tx.Query(`SELECT `+runColumns+` FROM runs WHERE id = ?`, id), scanRun)
}

func (t sessionTx) ActiveRuns(sessionID int64) ([]session.Run, error) {
	if sessionID == 0 {
		return all(t.tx.Query(`SELECT `+runColumns+` FROM runs WHERE `+activeStatuses+` ORDER BY session_id, queue_seq`),
			scanRun)
	}
	return all(t.tx.Query(`SELECT `+runColumns+` FROM runs WHERE session_id = ? AND `+activeStatuses+` ORDER BY queue_seq`,
		sessionID), scanRun)
}

func (t sessionTx) UserRuns(userID string) (n int, err error) {
	err = t.tx.QueryRow(`SELECT count(*) FROM runs INDEXED BY runs_active WHERE `+activeStatuses+` AND user_id = ?`,
		userID).Scan(&n)
	return n, err
}

func (t sessionTx) RenewLeases(holder string, until time.Time) error {
	_, err := t.tx.Exec(`UPDATE runs INDEXED BY runs_active SET lease_until = ?
		WHERE `+activeStatuses+` AND status = 'running' AND holder = ?`, millis(until), holder)
	return err
}

func (t sessionTx) Uncompacted(endedBefore time.Time, limit int) ([]session.Run, error) {
	return all(t.tx.Query(`SELECT `+runColumns+` FROM runs WHERE folded = 0 AND ended_at > 0 AND ended_at < ?
		ORDER BY ended_at LIMIT ?`, millis(endedBefore), limit), scanRun)
}

func (t sessionTx) UnchangedSince(since time.Time, limit int) ([]session.Record, error) {
	return all(t.tx.Query(`SELECT `+sessionColumns+` FROM sessions WHERE deleted_at = 0 AND pinned IN (0, 1) AND updated_at < ?
		AND NOT EXISTS (SELECT 1 FROM runs INDEXED BY runs_active WHERE runs.session_id = sessions.id AND `+activeStatuses+`)
		LIMIT ?`, millis(since), limit), scanSession)
}

func (t sessionTx) Send(userID, key string) (session.Send, error) {
	return one(t.tx.Query(`SELECT user_id, idempotency_key, session_key, digest, run_id, message_id, seq, epoch
		FROM sends WHERE user_id = ? AND idempotency_key = ?`, userID, key), func(row Row) (s session.Send, err error) {
		err = row.Scan(&s.UserID, &s.Key, &s.SessionKey, &s.Digest, &s.RunID, &s.MessageID, &s.Seq,
			&s.Epoch)
		return s, err
	})
}

func (t sessionTx) SaveSend(s session.Send) error {
	_, err := t.tx.Exec(`INSERT INTO sends (user_id, idempotency_key, session_key, digest, run_id, message_id, seq, epoch)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, s.UserID, s.Key, s.SessionKey, s.Digest, s.RunID, s.MessageID, s.Seq, s.Epoch)
	return err
}
