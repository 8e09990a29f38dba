using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp.Modules;

/// <summary>What the optimizers share: parameter groups, state by parameter, saving and loading.</summary>
public abstract class OptimizerHelper : Optimizer
{
    protected OptimizerOptions _defaults = null!;
    protected OrderedDict<IntPtr, OptimizerState> _state = [];

    public OptimizerHelper() { }

    public void save_state_dict(string location)
    {
        using var writer = new BinaryWriter(File.Create(location));
        save_state_dict(writer);
    }

    public void load_state_dict(string location)
    {
        using var reader = new BinaryReader(File.OpenRead(location));
        load_state_dict(reader);
    }

    /// <summary>Writes options and state in TorchSharp's own format.</summary>
    public void save_state_dict(BinaryWriter writer)
    {
        writer.Write(GetType().Name);
        var state = state_dict();
        writer.Encode(state.Options.Count);
        writer.Encode(state.State.Count);
        foreach (var options in state.Options)
            options.SaveStateDict(writer);
        foreach (var parameter in state.State)
            parameter.SaveStateDict(writer);
    }

    public void load_state_dict(BinaryReader reader)
    {
        var name = reader.ReadString();
        if (name != GetType().Name)
            throw new InvalidDataException($"Mismatched optimizer type: expected '{GetType().Name}', but found '{name}' in the loaded stream.");
        var (groups, states) = (reader.Decode(), reader.Decode());
        var mine = state_dict();
        RequireSameCounts(mine, groups, states);
        using var noGrad = no_grad();
        foreach (var options in mine.Options)
            options.LoadStateDict(reader);
        foreach (var state in mine.State)
            state.LoadStateDict(reader);
    }

    public virtual void load_state_dict(StateDictionary state_dict)
    {
        var mine = this.state_dict();
        RequireSameCounts(mine, state_dict.Options.Count, state_dict.State.Count);
        foreach (var (options, source) in mine.Options.Zip(state_dict.Options))
            if (!ReferenceEquals(options, source))
                options.LoadStateDict(source);
        foreach (var (state, source) in mine.State.Zip(state_dict.State))
            if (!ReferenceEquals(state, source))
                state.LoadStateDict(source);
    }

    /// <summary>The live options and states, not copies, in the order of groups and parameters.</summary>
    public virtual StateDictionary state_dict()
    {
        var result = new StateDictionary();
        foreach (var group in _parameter_groups)
        {
            result.Options.Add(group.Options);
            var indices = new List<int>();
            result.StateIndexRef.Add(indices);
            foreach (var parameter in group.Parameters)
            {
                indices.Add(result.State.Count);
                result.State.Add(_state[parameter.Handle]);
            }
        }
        return result;
    }

    /// <summary>Moves the state to a device.</summary>
    public void to(Device device)
    {
        foreach (var (_, state) in _state)
            state.to(device);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            foreach (var (_, state) in _state)
                (state as IDisposable)?.Dispose();
    }

    /// <summary>The pass that updates what isn't left to operators over lists, for optimizers that have one.</summary>
    internal virtual FusedPass? Fused => null;

    /// <summary>Evaluates the closure with gradients, then updates every group without, freeing temporaries.</summary>
    protected Tensor? _step<T>(Action<T> body, Func<Tensor>? loss_closure = null) where T : ParamGroup
    {
        Tensor? loss = null;
        if (loss_closure is not null)
            using (enable_grad())
                loss = loss_closure();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        try
        {
            foreach (var group in _parameter_groups)
                body((T)group);
        }
        finally
        {
            Fused?.Run();
        }
        return loss;
    }

    /// <summary>Completes a group's options, makes the state of its parameters and adds it.</summary>
    private protected void AddGroup<TOptions>(ParamGroup group, Func<Parameter, OptimizerState> newState) where TOptions : OptimizerOptions, new()
    {
        group.Options ??= new TOptions();
        if (group.Options is not TOptions)
            throw new ArgumentException($"{GetType().Name} takes parameter groups of its own kind, not {group.Options.GetType().DeclaringType?.Name}'s.", nameof(group));
        group.Options.FillFrom(_defaults);
        var parameters = group.Parameters.ToArray();
        if (parameters.Any(parameter => _state.ContainsKey(parameter.Handle)))
            throw new ArgumentException("Some parameters appear in more than one parameter group.", nameof(group));
        group.Parameters = parameters;
        using var noGrad = no_grad();
        foreach (var parameter in parameters)
        {
            var state = newState(parameter);
            state.Initialize(group.Options);
            _state.Add(parameter.Handle, state);
        }
        _parameter_groups.Add(group);
    }

    /// <summary>The parameters of a group that have a gradient, in lists for libtorch's operators over lists, but for those that the fused pass takes.</summary>
    /// <param name="group">The group.</param>
    /// <param name="batchOf">States of one batch have the same key: the number of steps taken, where the update depends on it.</param>
    /// <param name="fuse">Takes a parameter and its gradient on for the fused pass, or declines.</param>
    private protected List<UpdateBatch<TState>> Gather<TState>(ParamGroup group, Func<TState, long>? batchOf = null, Func<Parameter, Tensor, TState, bool>? fuse = null) where TState : OptimizerState
    {
        var batches = new List<UpdateBatch<TState>>(1);
        foreach (var parameter in group.Parameters)
        {
            var grad = parameter.grad;
            if (grad is null)
                continue;
            if (grad.is_sparse)
                throw new ArgumentException($"{GetType().Name} does not support sparse gradients.");
            var state = (TState)_state[parameter.Handle];
            if (fuse is not null && fuse(parameter, grad, state))
                continue;
            var key = batchOf?.Invoke(state) ?? 0;
            var batch = batches.Find(batch => batch.Key == key);
            if (batch is null)
                batches.Add(batch = new(key));
            batch.Add(parameter, grad, state);
        }
        return batches;
    }

    private protected static void Require(bool valid, string what, double value)
    {
        if (!valid)
            throw new ArgumentException($"Invalid {what}: {value}");
    }

    private static void RequireSameCounts(StateDictionary mine, long groups, long states)
    {
        if (groups != mine.Options.Count)
            throw new ArgumentException($"Invalid optimizer state -- different number of parameter groups: {groups} against {mine.Options.Count}.");
        if (states != mine.State.Count)
            throw new ArgumentException($"Invalid optimizer state -- different number of states: {states} against {mine.State.Count}.");
    }
}

/// <summary>Parameters that are updated together.</summary>
internal sealed class UpdateBatch<TState>(long key)
{
    private readonly List<Tensor> _parameters = [];
    private readonly List<Tensor> _gradients = [];

    public long Key { get; } = key;
    public List<TState> States { get; } = [];

    public void Add(Tensor parameter, Tensor gradient, TState state)
    {
        _parameters.Add(parameter);
        _gradients.Add(gradient);
        States.Add(state);
    }

    public Tensor[] Parameters => [.. _parameters];

    /// <summary>The gradients, negated where the objective grows, with the weight decay's share added.</summary>
    public Tensor[] Gradients(bool maximize = false, double weightDecay = 0)
    {
        Tensor[] gradients = [.. _gradients];
        if (maximize)
            gradients = Foreach.Neg(gradients);
        return weightDecay == 0 ? gradients : Foreach.Add(gradients, Parameters, weightDecay);
    }

    public Tensor[] Of(Converter<TState, Tensor> field) => [.. States.ConvertAll(field)];
}
