package view

// edits takes the steps from one sequence to another, in order.
type edits interface {
	// keep says that n elements from i (j in the other) are in both; first and last
	// tell whether the sequences begin or end with them.
	keep(i, j, n int, first, last bool)
	// change says that n elements from i are replaced by m from j.
	change(i, n, j, m int)
}

// maxCells bounds the table that finds the longest common subsequence; beyond it,
// what lies between the common ends counts as replaced.
const maxCells = 1_000_000

// walkEdits compares two sequences of n and m elements and tells the steps.
func walkEdits(n, m int, equal func(i, j int) bool, to edits) {
	head := 0
	for head < n && head < m && equal(head, head) {
		head++
	}
	tail := 0
	for tail < n-head && tail < m-head && equal(n-1-tail, m-1-tail) {
		tail++
	}
	if head > 0 {
		to.keep(0, 0, head, true, head == n && head == m)
	}
	middle(head, n-tail, head, m-tail, equal, to)
	if tail > 0 {
		to.keep(n-tail, m-tail, tail, head == 0 && n == tail && m == tail, true)
	}
}

// middle compares what lies between the common ends.
func middle(i0, i1, j0, j1 int, equal func(i, j int) bool, to edits) {
	n, m := i1-i0, j1-j0
	if n == 0 && m == 0 {
		return
	}
	if n == 0 || m == 0 || n*m > maxCells {
		to.change(i0, n, j0, m)
		return
	}
	table := commonLengths(n, m, func(i, j int) bool { return equal(i0+i, j0+j) })
	i, j, ci, cj := 0, 0, 0, 0
	for i < n && j < m {
		at := i*(m+1) + j
		switch {
		case equal(i0+i, j0+j):
			run := 0
			for i+run < n && j+run < m && equal(i0+i+run, j0+j+run) {
				run++
			}
			flush(to, i0, j0, ci, i, cj, j)
			to.keep(i0+i, j0+j, run, false, false)
			i, j = i+run, j+run
			ci, cj = i, j
		case table[at+m+1] >= table[at+1]:
			i++
		default:
			j++
		}
	}
	flush(to, i0, j0, ci, n, cj, m)
}

func flush(to edits, i0, j0, ci, i, cj, j int) {
	if i > ci || j > cj {
		to.change(i0+ci, i-ci, j0+cj, j-cj)
	}
}

// commonLengths gives, at i*(m+1)+j, how long the longest common subsequence of
// what follows i and j is.
func commonLengths(n, m int, equal func(i, j int) bool) []int32 {
	t := make([]int32, (n+1)*(m+1))
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if equal(i, j) {
				t[i*(m+1)+j] = t[(i+1)*(m+1)+j+1] + 1
			} else {
				t[i*(m+1)+j] = max(t[(i+1)*(m+1)+j], t[i*(m+1)+j+1])
			}
		}
	}
	return t
}
