// Package block is what all languages have in common whose blocks stand in files
// that end in .tutti.hcl: reading the files, the arguments that every block knows
// (count, for_each, depends_on, lifecycle), evaluating the others, and the form in
// which a block's inputs are compared, shown and stored.
//
// In: sources of files, and the kinds of block that the languages know. Out: blocks,
// and the Item that a language makes its objects of. It must not know any kind of
// block but stack, which names the stack.
//
// Files: load.go reads the files, item.go a block as an object, reader.go its checked
// values, conceal.go inputs without secrets, row.go rows.
package block

// File is what all files of a stack hold. It is immutable.
type File struct {
	// Stack is nil when no block names the stack.
	Stack *Stack
	// Blocks are in the order of the files.
	Blocks []*Block
}
