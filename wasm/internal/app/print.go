package app

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// printAll prints the transcript that is shown. First it loads the messages that the page
// does not have.
func (c *chat) printAll() {
	if c.ended || c.printing {
		return
	}
	c.printing = true
	c.info("Loading the whole chat to print it…")
	c.loadToPrint()
}

// loadToPrint loads all earlier messages; draw prints them. If they cannot be loaded, the
// print says that they are missing.
func (c *chat) loadToPrint() {
	s := c.shown
	if _, more := s.log.Oldest(); !more || s.followed == nil || !c.ready() {
		c.redraw(partBody)
		return
	}
	s.followed.Earlier(func(err *protocol.Error) {
		switch {
		case s != c.shown:
			c.printing = false
		case err != nil:
			c.problem("The whole chat could not be loaded: " + errorText(err))
			c.printLoaded()
		default:
			c.loadToPrint()
		}
	})
}

// printIfLoaded prints once there is nothing left to load. draw calls it.
func (c *chat) printIfLoaded() {
	if _, more := c.shown.log.Oldest(); c.printing && (!more || !c.ready()) {
		c.printLoaded()
	}
}

func (c *chat) printLoaded() {
	c.printing = false
	c.browser.Print()
}
