package words

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

func TestMessageLabel(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ from, author, agent, time, want string }{
		{markup.FromAssistant, "", "Demo agent", "17:42", "Demo agent, 17:42"},
		{markup.FromAssistant, "", "", "17:42", "Answer, 17:42"},
		{markup.FromAssistant, "", "Demo agent", "", "Demo agent"},
		{markup.FromUser, "", "", "17:42", "You, 17:42"},
		{markup.FromUser, "anna", "", "3 Jan, 17:42", "anna, 3 Jan, 17:42"},
		{markup.FromSystem, "", "", "17:42", "Note, 17:42"},
		{markup.FromSystem, "root", "", "17:42", "Note by root, 17:42"},
	} {
		if got := MessageLabel(row.from, row.author, row.agent, row.time); got != row.want {
			t.Errorf("%+v: %q", row, got)
		}
	}
}
