using Tessera.Framework.Checkpoints;
using Tessera.Framework.Running;
using static TorchSharp.torch;

namespace Tessera.Framework.Optimization;

/// <summary>
/// Scales fp16 losses so that small gradients don't vanish: doubles the scale after so many good steps, halves it and
/// skips the step when a gradient overflows.
/// </summary>
/// <remarks>Micikevicius et al., "Mixed precision training", ICLR 2018, arXiv:1710.03740.</remarks>
public sealed class LossScaler
{
    public const double Growth = 2,
        Backoff = 0.5;
    public const int GrowthInterval = 2000;

    public double Scale { get; private set; } = 65536;

    /// <summary>Good steps since the scale last changed.</summary>
    public int GoodSteps { get; private set; }

    /// <summary>Divides gradients by the scale, in place.</summary>
    /// <returns>Whether all of them are finite. Reads the device once.</returns>
    public bool Unscale(IReadOnlyList<Tensor> gradients)
    {
        if (gradients.Count == 0)
            return true;
        using var scope = NewDisposeScope();
        foreach (var gradient in gradients)
            gradient.mul_(1 / Scale);
        return stack(gradients.Select(gradient => gradient.sum().isfinite())).all().item<bool>();
    }

    public void Update(bool finite)
    {
        if (!finite)
        {
            Scale *= Backoff;
            GoodSteps = 0;
        }
        else if (++GoodSteps == GrowthInterval)
        {
            Scale *= Growth;
            GoodSteps = 0;
        }
    }

    public void Save(StateWriter state)
    {
        state.WriteValue("scale", Scale);
        state.WriteValue("good_steps", GoodSteps);
    }

    public void Load(StateReader state)
    {
        Scale = (double?)state.Value("scale") ?? Scale;
        GoodSteps = (int?)state.Value("good_steps") ?? 0;
    }
}
