package sqlite

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestStats(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	empty, err := s.Stats(t.Context())
	if err != nil || empty.Bytes <= 0 || empty.Version < 5 || empty.Sessions+empty.Devices+empty.AuditLines+empty.QueuedRuns+empty.RunningRuns != 0 {
		t.Errorf("empty, it holds %+v (%v)", empty, err)
	}
	for range 3 {
		if _, err := s.Audit().Append(t.Context(), protocol.AuditEntry{At: 1}); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, `INSERT INTO sessions (key, user_id, agent_id, label, pinned, epoch, last_seq, created_at, updated_at, deleted_at)
		VALUES ('a', 'ann', 'x', '', 0, 'e', 0, 1, 1, 0), ('b', 'ann', 'x', '', 1, 'e', 0, 1, 1, 0), ('c', 'ann', 'x', '', 0, 'e', 0, 1, 1, 5)`)
	put(t, s, `INSERT INTO runs (id, session_id, user_id, agent_id, user_message_id, answer_id, status, queue_seq, stream, created_at, ended_at, error_code, error, input_tokens, output_tokens)
		VALUES ('q', 1, 'ann', 'x', '', '', 'queued', 2, 1, 1, 0, '', '', 0, 0), ('r', 1, 'ann', 'x', '', '', 'running', 1, 1, 1, 0, '', '', 0, 0)`)
	put(t, s, `INSERT INTO devices VALUES ('d', x'00', 'pairing', 'approved', '', '', 'ann', 'viewer', '', '', '', '', '', 1, 1, 1, '', 1, 0)`)
	got, err := s.Stats(t.Context())
	if err != nil || got.AuditLines != 3 || got.Sessions != 2 || got.QueuedRuns != 1 || got.RunningRuns != 1 || got.Devices != 1 || got.LogBytes <= 0 {
		t.Errorf("it holds %+v (%v)", got, err)
	}
}
