package syntax

// Expr is an expression.
type Expr interface{ expr() }

// At is the line of the template on which something begins.
type At struct{ Line int }

// The expressions.
type (
	// Const is a literal: nil, bool, int64, float64 or string.
	Const struct {
		Value any
		// Template says that the string itself holds delimiters.
		Template bool
	}
	// Name is a variable.
	Name struct {
		At
		Name string
	}
	// List is a list or a tuple.
	List struct {
		Items []Expr
		Tuple bool
	}
	// Dict holds keys and values in turn.
	Dict struct{ Keys, Values []Expr }
	// Attr is x.name.
	Attr struct {
		At
		X    Expr
		Name string
	}
	// Item is x[key]; the key may be a *Slice.
	Item struct {
		At
		X, Key Expr
	}
	// Slice is start:stop:step; each may be nil.
	Slice struct{ Start, Stop, Step Expr }
	// Call is fn(args).
	Call struct {
		At
		Fn   Expr
		Args Args
	}
	// Filter is x | name(args). X is nil in a filter block.
	Filter struct {
		At
		X    Expr
		Name string
		Args Args
	}
	// Test is x is name(args).
	Test struct {
		At
		X    Expr
		Name string
		Args Args
	}
	// Unary is -x or +x.
	Unary struct {
		At
		Op string
		X  Expr
	}
	// Not is not x.
	Not struct{ X Expr }
	// Binary is arithmetic: + - * / // % **.
	Binary struct {
		At
		Op   string
		L, R Expr
	}
	// Logic is and, or.
	Logic struct {
		Or   bool
		L, R Expr
	}
	// Compare is a chain such as 1 < x <= 3.
	Compare struct {
		At
		X    Expr
		Rest []Operand
	}
	// Concat is a ~ b ~ c.
	Concat struct{ Parts []Expr }
	// Cond is x if test else y; Else may be nil.
	Cond struct{ Test, Then, Else Expr }
	// NamespaceRef is name.attribute as the target of set.
	NamespaceRef struct {
		At
		Name, Attr string
	}
)

// Operand is one step of a comparison. Op is == != < <= > >= in or "not in".
type Operand struct {
	Op string
	X  Expr
}

// Args are the arguments of a call.
type Args struct {
	Pos            []Expr
	Names          []string
	Values         []Expr
	Star, StarStar Expr
}

func (*Const) expr()        {}
func (*Name) expr()         {}
func (*List) expr()         {}
func (*Dict) expr()         {}
func (*Attr) expr()         {}
func (*Item) expr()         {}
func (*Slice) expr()        {}
func (*Call) expr()         {}
func (*Filter) expr()       {}
func (*Test) expr()         {}
func (*Unary) expr()        {}
func (*Not) expr()          {}
func (*Binary) expr()       {}
func (*Logic) expr()        {}
func (*Compare) expr()      {}
func (*Concat) expr()       {}
func (*Cond) expr()         {}
func (*NamespaceRef) expr() {}

// Stmt is a statement.
type Stmt interface{ stmt() }

// The statements.
type (
	// Text is written as it is.
	Text struct{ Text string }
	// Print is {{ x }}.
	Print struct {
		At
		X Expr
	}
	// For is a loop. Target is a *Name or a tuple of such.
	For struct {
		At
		Target     Expr
		Iter, Test Expr
		Recursive  bool
		Body, Else []Stmt
	}
	// If has a branch for each condition; Else is what is left.
	If struct {
		Branches []Branch
		Else     []Stmt
	}
	// Set assigns X; with X nil it assigns what Body writes, through Filter if there is one.
	Set struct {
		At
		Target Expr
		X      Expr
		Filter Expr
		Body   []Stmt
	}
	// With has variables of its own.
	With struct {
		Targets []Expr
		Values  []Expr
		Body    []Stmt
	}
	// Macro is a function written in Jinja.
	Macro struct {
		At
		Name     string
		Params   []string
		Defaults []Expr // of the last parameters
		Body     []Stmt
		// Caller, Varargs and Kwargs tell which of the special names the body uses.
		Caller, Varargs, Kwargs bool
	}
	// CallBlock calls a macro with its body as caller().
	CallBlock struct {
		At
		Call *Call
		Body *Macro
	}
	// FilterBlock pipes what its body writes through Filter.
	FilterBlock struct {
		At
		Filter Expr
		Body   []Stmt
	}
	// Include writes another template.
	Include struct {
		At
		Template      Expr
		IgnoreMissing bool
		Context       bool
	}
	// Import binds another template's macros to a name, or some of them when Names is set.
	Import struct {
		At
		Template Expr
		As       string
		From     bool
		Names    [][2]string // name, alias
		Context  bool
	}
	// Extends makes another template the frame of this one.
	Extends struct {
		At
		Template Expr
	}
	// Block is what a template that extends this one may replace.
	Block struct {
		At
		Name             string
		Scoped, Required bool
		Body             []Stmt
	}
	// Do evaluates and writes nothing.
	Do struct {
		At
		X Expr
	}
	// Break and Continue stand in loops.
	Break struct{}
	// Continue goes on with a loop's next item.
	Continue struct{}
	// Group is statements with variables of their own.
	Group struct{ Body []Stmt }
)

// Branch is a condition and what it guards.
type Branch struct {
	Test Expr
	Body []Stmt
}

func (*Text) stmt()        {}
func (*Print) stmt()       {}
func (*For) stmt()         {}
func (*If) stmt()          {}
func (*Set) stmt()         {}
func (*With) stmt()        {}
func (*Macro) stmt()       {}
func (*CallBlock) stmt()   {}
func (*FilterBlock) stmt() {}
func (*Include) stmt()     {}
func (*Import) stmt()      {}
func (*Extends) stmt()     {}
func (*Block) stmt()       {}
func (*Do) stmt()          {}
func (*Break) stmt()       {}
func (*Continue) stmt()    {}
func (*Group) stmt()       {}

// Tree is a whole template.
type Tree struct {
	Body   []Stmt
	Blocks map[string]*Block
	// Mutates tells that lists or dicts may be changed in place, by a method such as append,
	// here or in a template that this one draws in.
	Mutates bool
}
