using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>What all optimizers of a run share in a step.</summary>
public sealed class StepContext
{
    public required IProcessGroup Group { get; init; }

    /// <summary>How gradients are averaged over processes.</summary>
    public ProcessesOptions Processes { get; init; } = new();

    /// <summary>Which parameters this process trains, by name, where the others train the rest; null: all.</summary>
    public Func<string, bool>? Owns { get; init; }

    /// <summary>Over which processes the norm of gradients is taken, where each has a part of them; null: this one has all.</summary>
    public IProcessGroup? NormGroup { get; init; }

    public required PrecisionChoice Precision { get; init; }
    public DeviceType Device { get; init; } = DeviceType.CPU;
    public ClipGradOptions? Clip { get; init; }
    public LossScaler? Scaler { get; init; }

    /// <summary>Penalties with the parameters they apply to, by name.</summary>
    public IReadOnlyList<(string Name, Penalty Penalty, IReadOnlyList<Tensor> Parameters)> Penalties { get; init; } = [];

    /// <summary>Compares the model with a teacher; null: nobody does.</summary>
    public Distiller? Distiller { get; init; }

    /// <summary>What the model is shown in the present step.</summary>
    public Tensor? Images { get; set; }

    /// <summary>Whether a backward must leave the other optimizers' gradients alone.</summary>
    public bool SeveralOptimizers { get; init; }

    /// <summary>Batches of the present step.</summary>
    public int BatchesPerStep { get; set; } = 1;

    /// <summary>Whether the present batch is the step's last.</summary>
    public bool Due { get; set; } = true;

    /// <summary>Sees every loss before its backward.</summary>
    public Action<Tensor>? Guard { get; set; }

    public IDisposable Autocast() => Precision.Enter(Device);

    /// <summary>Adds what the objective has beside the model's own losses: a teacher's terms and the penalties.</summary>
    public void AddPenalties(LossMap losses)
    {
        if (Distiller is not null)
            using (Autocast())
                Distiller.AddTo(losses, Images!);
        foreach (var (name, penalty, parameters) in Penalties)
            if (parameters.Count > 0)
                losses.Add(name, penalty.Compute(parameters));
    }
}
