using System.Text.Json.Nodes;
using Tessera.Torch.Optimizers.Passes;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>
/// An optimizer that updates every element by itself: in one pass over memory for float32 parameters on the CPU, else by operators, one parameter at a time.
/// </summary>
public abstract class ElementwiseOptimizer<TGroup> : OwnOptimizer where TGroup : OptimizerGroup
{
    private readonly (TGroup Group, Memory[] Memories)[] _groups;
    private readonly string[] _tensors;
    private readonly bool _countsSteps;

    /// <param name="tensors">Names of what is kept for a parameter, as they stand in checkpoints.</param>
    /// <param name="countsSteps">Whether the update depends on the number of steps.</param>
    private protected ElementwiseOptimizer(IReadOnlyList<TGroup> groups, string[] tensors, bool countsSteps) : base(groups)
    {
        (_tensors, _countsSteps) = (tensors, countsSteps);
        _groups = [.. groups.Select(group => (group, group.Parameters.Select(parameter => new Memory(parameter, tensors.Length)).ToArray()))];
    }

    /// <summary>Off only where tests compare the pass over memory with the operators.</summary>
    internal bool Fused { get; set; } = true;

    /// <summary>Parameters that the last step updated in the pass over memory.</summary>
    internal int LastFused { get; private set; }

    /// <summary>The pass that <see cref="TryFuse"/> adds to.</summary>
    private protected abstract FusedPass Pass { get; }

    private IEnumerable<Memory> Memories => _groups.SelectMany(group => group.Memories);

    /// <param name="closure">Computes the loss and its gradients; called once, before the step.</param>
    /// <returns>What the closure gave.</returns>
    /// <exception cref="NotSupportedException">A gradient is sparse.</exception>
    public sealed override Tensor? step(Func<Tensor>? closure = null)
    {
        Tensor? loss = null;
        if (closure is not null)
            using (enable_grad()) loss = closure();
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        try
        {
            foreach (var (group, memories) in _groups)
                foreach (var memory in memories)
                {
                    if (memory.Parameter.grad is not { } gradient) continue;
                    if (gradient.is_sparse) throw new NotSupportedException($"{GetType().Name} takes no sparse gradients.");
                    memory.Steps++;
                    if (!Fused || !TryFuse(group, memory, gradient)) Update(group, memory, gradient);
                }
            LastFused = Pass.Count;
            Pass.RunAndClear();
        }
        finally
        {
            Pass.Clear();
        }
        return loss;
    }

    public sealed override void Save(IReadOnlyList<string> names, Action<string, Tensor> tensor, Action<string, JsonNode?> value)
    {
        foreach (var (name, memory) in names.Zip(Memories))
        {
            if (_countsSteps) value($"{name}.step", memory.Steps);
            for (var i = 0; i < _tensors.Length; i++)
                if (memory.Tensors[i] is { } kept) tensor($"{name}.{_tensors[i]}", kept);
        }
    }

    public sealed override string? Load(IReadOnlyList<string> names, Func<string, Tensor?> tensor, Func<string, JsonNode?> value)
    {
        foreach (var (name, memory) in names.Zip(Memories))
        {
            if (_countsSteps)
            {
                if (value($"{name}.step") is not { } steps) return $"{name}.step";
                memory.Steps = (long)steps;
            }
            for (var i = 0; i < _tensors.Length; i++)
            {
                var saved = tensor($"{name}.{_tensors[i]}");
                if (saved is null ? _countsSteps && memory.Steps > 0 : !saved.shape.SequenceEqual(memory.Parameter.shape)) return $"{name}.{_tensors[i]}";
                memory.Forget(i);
                memory.Tensors[i] = saved is null ? null : CopyLike(saved, memory.Parameter);
            }
        }
        return null;
    }

    /// <summary>Takes one parameter on for the pass, if its tensors allow that.</summary>
    private protected abstract bool TryFuse(TGroup group, Memory memory, Tensor gradient);

    /// <summary>Makes one parameter's step by operators: on other devices, of other types, and where the gradient is laid out in another way.</summary>
    private protected abstract void Update(TGroup group, Memory memory, Tensor gradient);

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        foreach (var memory in Memories)
            foreach (var tensor in memory.Tensors) tensor?.Dispose();
    }

    /// <summary>What is kept for one parameter.</summary>
    private protected sealed class Memory(Parameter parameter, int tensors)
    {
        public Parameter Parameter => parameter;

        /// <summary>Steps made, the present one included.</summary>
        public long Steps { get; set; }

        public Tensor?[] Tensors { get; } = new Tensor?[tensors];

        /// <summary>The tensor of an index, zeros at first; laid out as the parameter is by then, which may be later than the optimizer was made.</summary>
        public Tensor Zeros(int index) => Tensors[index] ??= zeros_like(parameter, requires_grad: false).DetachFromDisposeScope();

        public void Forget(int index)
        {
            Tensors[index]?.Dispose();
            Tensors[index] = null;
        }
    }
}
