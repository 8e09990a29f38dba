using static TorchSharp.torch;

namespace Tessera.Models.Generation;

/// <summary>What discriminator and generator of a GAN minimise, of the discriminator's scores: high for an image that it takes for
/// real.</summary>
[ComponentKind("gan loss")]
public abstract class GanLoss
{
    /// <summary>The discriminator's term for real images.</summary>
    /// <param name="scores">[B].</param>
    /// <returns>A scalar, the mean.</returns>
    public abstract Tensor Real(Tensor scores);

    /// <summary>The discriminator's term for generated images.</summary>
    /// <param name="scores">[B].</param>
    /// <returns>A scalar, the mean.</returns>
    public abstract Tensor Fake(Tensor scores);

    /// <summary>The generator's term.</summary>
    /// <param name="scores">[B], of generated images.</param>
    /// <returns>A scalar, the mean.</returns>
    public abstract Tensor Generator(Tensor scores);
}

/// <summary>Binary cross entropy with logits, the generator's not saturating: softplus(-D(x)) + softplus(D(G(z))) and
/// softplus(-D(G(z))).</summary>
/// <remarks>Goodfellow et al., "Generative Adversarial Nets", 2014, arXiv:1406.2661, section 3. Where the discriminator can tell nothing
/// (D = 0), its loss is 2 ln 2 = 1.386 and the generator's ln 2 = 0.693.</remarks>
[Component("BceGanLoss")]
public sealed class BceGanLoss : GanLoss
{
    public override Tensor Real(Tensor scores)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(nn.functional.softplus(-scores).mean());
    }

    public override Tensor Fake(Tensor scores)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(nn.functional.softplus(scores).mean());
    }

    public override Tensor Generator(Tensor scores) => Real(scores);
}

/// <summary>The hinge: max(0, 1 - D(x)) + max(0, 1 + D(G(z))), and -D(G(z)) for the generator.</summary>
/// <remarks>Lim and Ye, "Geometric GAN", 2017, arXiv:1705.02894; Miyato et al., 2018, arXiv:1802.05957, equations 16 and 17.</remarks>
[Component("HingeGanLoss")]
public sealed class HingeGanLoss : GanLoss
{
    public override Tensor Real(Tensor scores)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter((1 - scores).relu().mean());
    }

    public override Tensor Fake(Tensor scores)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter((1 + scores).relu().mean());
    }

    public override Tensor Generator(Tensor scores)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(-scores.mean());
    }
}
