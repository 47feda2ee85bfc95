package words

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestMessageLabel(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		from                      protocol.MessageRole
		author, agent, time, want string
	}{
		{protocol.FromAssistant, "", "Demo agent", "17:42", "Demo agent, 17:42"},
		{protocol.FromAssistant, "", "", "17:42", "Answer, 17:42"},
		{protocol.FromAssistant, "", "Demo agent", "", "Demo agent"},
		{protocol.FromUser, "", "", "17:42", "You, 17:42"},
		{protocol.FromUser, "anna", "", "3 Jan, 17:42", "anna, 3 Jan, 17:42"},
		{protocol.FromSystem, "", "", "17:42", "Note, 17:42"},
		{protocol.FromSystem, "root", "", "17:42", "Note by root, 17:42"},
	} {
		if got := MessageLabel(row.from, row.author, row.agent, row.time); got != row.want {
			t.Errorf("%+v: %q", row, got)
		}
	}
}
