package plan

import "github.com/rlkd/rlkd/model/files"

// What a process has before it has a model. On a CPU it was measured (trainer/plan_test.go): the
// pages of libtorch that a training step touches, the code oneDNN makes for the shapes it meets,
// and Go's heap. On a GPU it is what CUDA's context, cuBLAS and cuDNN are known to take, and has
// not been measured by us.
const (
	cpuBase = 300 << 20
	gpuBase = 1 << 30
)

// textBytes are what the tokenizer takes on the host for each token of a vocabulary: its text,
// its merges and the tables that find them. Measured on SmolLM2's.
const textBytes = 700

// held are the parts that stay for a whole phase.
//
//	weights    b a parameter: what passes compute with; of fp32 masters, the masters themselves
//	masters    2 a trained parameter: what bf16 weights lack to fp32; in fp32 they are the weights
//	moments    8 a trained parameter
//	reference  b a parameter of a second model
//	rewards    b a parameter of each model that is not in memory anyway
func (j Job) held(moments, reference bool) []Part {
	parts := []Part{{"process", j.base()}}
	b := j.bytes()
	all, trained := numel(j.Student.Tensors()), numel(j.trained())
	switch {
	case j.LoRA != nil && j.Half:
		parts = append(parts, Part{"weights", 2*all + 2*trained}, Part{"masters", 2 * trained})
	case j.LoRA != nil:
		parts = append(parts, Part{"weights", 4 * all}, Part{"masters", 4 * trained})
	case j.Half:
		parts = append(parts, Part{"weights", 2 * all}, Part{"masters", 2 * trained})
	default:
		parts = append(parts, Part{"masters", 4 * trained})
	}
	if moments {
		parts = append(parts, Part{"optimizer moments", 8 * trained})
	}
	switch {
	case reference && j.Reference == ReferenceModel:
		parts = append(parts, Part{"reference", b * all})
	case reference && j.Reference == ReferenceAdapter:
		parts = append(parts, Part{"reference", b * trained})
	}
	for _, r := range j.Rewards {
		bytes := int64(0)
		if !r.Shared {
			bytes = b * numel(r.Model.Tensors())
		}
		if r.Adapter != nil {
			bytes += b * numel(adapterTensors(*r.Adapter, r.Model))
		}
		parts = append(parts, Part{r.Name, bytes})
	}
	return parts
}

// base is the process without tensors. The tokenizers are on the host, which is not the GPU.
func (j Job) base() int64 {
	if j.CUDA {
		return gpuBase
	}
	base := int64(cpuBase) + textBytes*int64(j.Student.VocabSize)
	for _, r := range j.Rewards {
		if !r.Shared {
			base += textBytes * int64(r.Model.VocabSize)
		}
	}
	return base
}

// onHost is what loading takes on top of the weights so far at its worst: a tensor on its way is in
// fp32 on the host, unless that is what becomes the master. A GPU's memory has no part in that.
func (j Job) onHost(specs []files.TensorSpec, held int64) Part {
	all := numel(specs)
	loaded, most := int64(0), int64(0)
	for _, s := range specs {
		n := s.Numel()
		loaded += n
		most = max(most, 4*n-(all-loaded)*held)
	}
	if j.CUDA || !j.Half && j.LoRA == nil && j.Reference != ReferenceModel {
		most = 0
	}
	return Part{"host copies", most}
}

// toFile is what the process has while it saves: what the update had stays. Tensors on the CPU are
// written from where they are.
func (j Job) toFile(update []Part) []Part {
	if j.CUDA {
		return nil
	}
	kept := int64(0)
	for _, p := range update {
		kept += p.Bytes
	}
	return []Part{{"memory kept", kept}}
}

// bytes is b, the bytes of a number in a pass.
func (j Job) bytes() int64 {
	if j.Half {
		return 2
	}
	return 4
}

// trained are the tensors that training changes.
func (j Job) trained() []files.TensorSpec {
	if j.LoRA == nil {
		return j.Student.Tensors()
	}
	return adapterTensors(*j.LoRA, j.Student)
}

func adapterTensors(l files.LoRA, c files.Config) (specs []files.TensorSpec) {
	for _, p := range l.Pairs(c) {
		specs = append(specs, p.A, p.B)
	}
	return specs
}

func numel(specs []files.TensorSpec) (n int64) {
	for _, s := range specs {
		n += s.Numel()
	}
	return n
}

// matrices is the number of weights in the matrices of all layers.
func matrices(c files.Config) (n int64) { return int64(c.NumLayers) * layerMatrices(c) }

func layerMatrices(c files.Config) int64 {
	d := sizes(c)
	return d.H*(2*d.Q+2*d.K) + 3*d.H*d.I
}

// dims are a model's sizes as the formulas name them.
type dims struct{ H, I, Q, K, V, L, heads int64 }

func sizes(c files.Config) dims {
	return dims{
		H: int64(c.HiddenSize), I: int64(c.IntermediateSize), V: int64(c.VocabSize), L: int64(c.NumLayers),
		Q: int64(c.NumHeads * c.HeadDim), K: int64(c.NumKVHeads * c.HeadDim), heads: int64(c.NumHeads),
	}
}
