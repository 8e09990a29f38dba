using System.Reflection;
using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Running;
using Tessera.Torch.Optimizers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>
/// Saves what optimizers remember of each parameter, under the parameter's name: <c>backbone.fc.weight.exp_avg</c>. Our own do it
/// themselves; the states of
/// TorchSharp's are small classes with public fields, and reading those serves every optimizer of that kind, a plugin's own too.
/// </summary>
internal static class OptimizerMemory
{
    public static void Save(optim.Optimizer optimizer, IReadOnlyList<string> names, StateWriter state)
    {
        if (optimizer is OwnOptimizer own)
        {
            own.Save(names, state.Write, state.WriteValue);
            return;
        }
        foreach (var (name, memory) in names.Zip(States(optimizer)))
        {
            foreach (var field in Fields(memory))
            {
                var key = $"{name}.{field.Name}";
                switch (field.GetValue(memory))
                {
                    case Tensor tensor:
                        state.Write(key, tensor);
                        break;
                    case long value:
                        state.WriteValue(key, value);
                        break;
                    case double value:
                        state.WriteValue(key, value);
                        break;
                    case null:
                        break;
                    case var other:
                        throw new NotSupportedException(
                            $"{optimizer.GetType().Name} keeps a {other.GetType().Name} in {field.Name}, which can't be saved."
                        );
                }
            }
        }
    }

    /// <param name="rewind">The state is this optimizer's own of before; what it lacks had not been made yet.</param>
    /// <exception cref="UserErrorException">The saved state is another optimizer's.</exception>
    public static void Load(
        optim.Optimizer optimizer,
        IReadOnlyList<string> names,
        IReadOnlyList<Tensor> parameters,
        StateReader state,
        bool rewind
    )
    {
        try
        {
            if (optimizer is not OwnOptimizer own)
                LoadFields(optimizer, names, parameters, state, rewind);
            else if (own.Load(names, state.Tensor, state.Value) is { } missing)
                throw Differs(optimizer, missing);
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or OverflowException)
        {
            throw new UserErrorException(
                $"The checkpoint can't be resumed: what it holds for {optimizer.GetType().Name} is damaged ({e.Message}).",
                e
            );
        }
    }

    private static void LoadFields(
        optim.Optimizer optimizer,
        IReadOnlyList<string> names,
        IReadOnlyList<Tensor> parameters,
        StateReader state,
        bool rewind
    )
    {
        var memories = States(optimizer);
        for (var i = 0; i < memories.Count; i++)
        {
            foreach (var field in Fields(memories[i]))
            {
                var key = $"{names[i]}.{field.Name}";
                var old = field.GetValue(memories[i]);
                if (field.FieldType == typeof(Tensor))
                {
                    var saved = state.Tensor(key);
                    if (saved is null && old is not null && !rewind)
                        throw Differs(optimizer, key);
                    (old as Tensor)?.Dispose();
                    field.SetValue(memories[i], saved is null ? null : CopyOf(saved, parameters[i]));
                }
                else if (state.Value(key) is JsonNode value)
                {
                    field.SetValue(memories[i], field.FieldType == typeof(long) ? (object)(long)value : (double)value);
                }
                else
                {
                    throw Differs(optimizer, key);
                }
            }
        }
    }

    private static List<TorchSharp.Modules.OptimizerState> States(optim.Optimizer optimizer) =>
        optimizer is OptimizerHelper helper
            ? helper.state_dict().State
            : throw new NotSupportedException($"{optimizer.GetType().Name} gives no state that could be saved.");

    private static FieldInfo[] Fields(TorchSharp.Modules.OptimizerState state) =>
        state.GetType().GetFields(BindingFlags.Public | BindingFlags.Instance);

    /// <summary>On the parameter's device, and laid out in memory as it is.</summary>
    private static Tensor CopyOf(Tensor saved, Tensor parameter)
    {
        using var _ = no_grad();
        var copy = saved.shape.SequenceEqual(parameter.shape) ? zeros_like(parameter) : zeros_like(saved, device: parameter.device);
        copy.copy_(saved);
        return copy.DetachFromDisposeScope();
    }

    private static UserErrorException Differs(optim.Optimizer optimizer, string key) =>
        new(
            $"The checkpoint can't be resumed: it holds no {key} for {optimizer.GetType().Name}. Was the optimizer changed since? "
                + $"Resume with the config that the run began with, or start a new one in another work dir."
        );
}
