using System.Text.Json.Nodes;
using Tessera.Torch.Optimizers.Passes;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>
/// An optimizer that updates every element by itself: in one pass over memory for float32 parameters on the CPU, else by operators, one
/// parameter at a time.
/// </summary>
public abstract class ElementwiseOptimizer<TGroup> : OwnOptimizer
    where TGroup : OptimizerGroup
{
    private readonly (TGroup Group, Memory[] Memories)[] _groups;
    private readonly string[] _tensors;
    private readonly bool _countsSteps;

    /// <param name="tensors">Names of what is kept for a parameter, as they stand in checkpoints.</param>
    /// <param name="countsSteps">Whether the update depends on the number of steps.</param>
    private protected ElementwiseOptimizer(IReadOnlyList<TGroup> groups, string[] tensors, bool countsSteps)
        : base(groups)
    {
        (_tensors, _countsSteps) = (tensors, countsSteps);
        _groups =
        [
            .. groups.Select(group => (group, group.Parameters.Select(parameter => new Memory(parameter, tensors.Length)).ToArray())),
        ];
    }

    /// <summary>Off only where tests compare the pass over memory with the operators.</summary>
    internal bool Fused { get; set; } = true;

    /// <summary>Parameters that the last step updated in the pass over memory.</summary>
    internal int LastFused { get; private set; }

    /// <summary>The pass that <see cref="Fuse"/> adds to; null: every step is made by operators.</summary>
    private protected abstract FusedPass? Pass { get; }

    private IEnumerable<Memory> Memories => _groups.SelectMany(group => group.Memories);

    /// <param name="closure">Computes the loss and its gradients; called once, before the step.</param>
    /// <returns>What the closure gave.</returns>
    /// <exception cref="NotSupportedException">A gradient is sparse.</exception>
    public sealed override Tensor? step(Func<Tensor>? closure = null)
    {
        Tensor? loss = null;
        if (closure is not null)
            using (enable_grad())
                loss = closure();
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        try
        {
            Begin();
            foreach (var (group, memories) in _groups)
            foreach (var memory in memories)
            {
                if (memory.Parameter.grad is not { } gradient)
                    continue;
                if (gradient.is_sparse)
                    throw new NotSupportedException($"{GetType().Name} takes no sparse gradients.");
                memory.Steps++;
                memory.Prepare(TensorsNeeded(group));
                if (Fused && Pass is not null && memory.Look(gradient) is { } tensors)
                    Fuse(group, memory, tensors);
                else
                    Update(group, memory, gradient);
            }
            LastFused = Pass?.Count ?? 0;
            Pass?.RunAndClear();
        }
        finally
        {
            Pass?.Clear();
        }
        return loss;
    }

    public sealed override void Save(IReadOnlyList<string> names, Action<string, Tensor> tensor, Action<string, JsonNode?> value)
    {
        foreach (var (name, memory) in names.Zip(Memories))
        {
            if (_countsSteps)
                value($"{name}.step", memory.Steps);
            for (var i = 0; i < _tensors.Length; i++)
                if (memory.Tensors[i] is { } kept)
                    tensor($"{name}.{_tensors[i]}", kept);
        }
    }

    public sealed override string? Load(IReadOnlyList<string> names, Func<string, Tensor?> tensor, Func<string, JsonNode?> value)
    {
        foreach (var (name, memory) in names.Zip(Memories))
        {
            if (_countsSteps)
            {
                if (value($"{name}.step") is not { } steps)
                    return $"{name}.step";
                memory.Steps = (long)steps;
            }
            for (var i = 0; i < _tensors.Length; i++)
            {
                var saved = tensor($"{name}.{_tensors[i]}");
                if (saved is null ? _countsSteps && memory.Steps > 0 : !saved.shape.SequenceEqual(memory.Parameter.shape))
                    return $"{name}.{_tensors[i]}";
                memory.Set(i, saved is null ? null : CopyLike(saved, memory.Parameter));
            }
        }
        return null;
    }

    /// <summary>How many of the tensors a parameter of this group needs.</summary>
    private protected abstract int TensorsNeeded(TGroup group);

    /// <summary>Called at the beginning of a step, where all gradients are there.</summary>
    private protected virtual void Begin() { }

    /// <summary>Takes one parameter on for the pass.</summary>
    private protected virtual void Fuse(TGroup group, Memory memory, in FlatTensors tensors) =>
        throw new NotSupportedException($"{GetType().Name} has no pass over memory.");

    /// <summary>Makes one parameter's step by operators: on other devices, of other types, where the gradient is laid out in another
    /// way, and where there is no pass.</summary>
    private protected abstract void Update(TGroup group, Memory memory, Tensor gradient);

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing)
            return;
        foreach (var memory in Memories)
        foreach (var tensor in memory.Tensors)
            tensor?.Dispose();
    }

    /// <summary>What is kept for one parameter.</summary>
    private protected sealed unsafe class Memory(Parameter parameter, int tensors)
    {
        private readonly Tensor?[] _tensors = new Tensor?[tensors];
        private float* _at; // where the parameter was when it was looked at
        private bool _known,
            _flat;
        private long _count;

        public Parameter Parameter => parameter;

        /// <summary>Steps made, the present one included.</summary>
        public long Steps { get; set; }

        /// <summary>By the optimizer's names; null before the first step that needs one.</summary>
        public IReadOnlyList<Tensor?> Tensors => _tensors;

        /// <summary>Whether the present step has made the tensors.</summary>
        public bool New { get; private set; }

        /// <summary>A tensor of a step that needs it.</summary>
        public Tensor this[int index] => _tensors[index]!;

        /// <summary>Makes the tensors that are needed, zeros; laid out as the parameter is by now, which may be later than the optimizer
        /// was made.</summary>
        public void Prepare(int needed)
        {
            New = false;
            for (var i = 0; i < needed; i++)
            {
                if (_tensors[i] is not null)
                    continue;
                Set(i, zeros_like(parameter, requires_grad: false).DetachFromDisposeScope());
                New = true;
            }
        }

        public void Set(int index, Tensor? tensor)
        {
            _tensors[index]?.Dispose();
            _tensors[index] = tensor;
            _known = false;
        }

        /// <summary>The memory of all tensors; null where operators are needed.</summary>
        /// <remarks>How the parameter and the tensors are laid out is looked at again only when one of them has moved.</remarks>
        public FlatTensors? Look(Tensor gradient)
        {
            var at = FlatFloats.Memory(parameter);
            if (!_known || at != _at)
            {
                _known = true;
                _at = at;
                _flat = FlatFloats.IsFlat(parameter) && _tensors.All(tensor => tensor is null || FlatFloats.IsLike(tensor, parameter));
                _count = parameter.numel();
            }
            if (!_flat || !FlatFloats.IsLike(gradient, parameter))
                return null;
            return new FlatTensors(parameter, at, FlatFloats.Memory(gradient), Of(0), Of(1), Of(2), _count);

            float* Of(int index) => index < _tensors.Length && _tensors[index] is { } tensor ? FlatFloats.Memory(tensor) : null;
        }
    }
}
