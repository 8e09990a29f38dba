using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <param name="Gamma">Factor of the kernel; 1 / channels where unset.</param>
/// <param name="Offset">Added within the kernel.</param>
public sealed record KpcaCamOptions([property: Range(1e-9, 1e9)] double? Gamma = null, double Offset = 1);

/// <summary>The first component of a principal component analysis with a kernel: places are compared by tanh(γ x·y + offset).</summary>
/// <remarks>Karmani et al., "KPCA-CAM: Visual Explainability of Deep Computer Vision Models using Kernel PCA", 2024, arXiv:2410.00267;
/// kernel and its defaults as of scikit-learn's KernelPCA. The sign is decided as <see cref="EigenCam"/>'s.</remarks>
[Component("KpcaCam")]
public sealed class KpcaCam(KpcaCamOptions options) : ActivationMethod
{
    // The kernel has the square of as many values, 8 bytes each.
    private const long MostPlaces = 4096;

    public override string Title => "KPCA-CAM";

    /// <exception cref="UserErrorException">The layer's map has too many places.</exception>
    public override Tensor Contributions(ExplainedRun run)
    {
        var places = run.Activation.shape[2] * run.Activation.shape[3];
        if (places > MostPlaces)
            throw ExplanationErrors.TooManyPlaces(Title, run, MostPlaces);
        using var scope = NewDisposeScope();
        var activation = run.Activation;
        var (rows, finite) = PrincipalComponent.Rows(activation);
        var kernel = ((rows.matmul(rows.transpose(1, 2)) * (options.Gamma ?? 1.0 / rows.shape[2])) + options.Offset).tanh();
        var means = kernel.mean([2], keepdim: true);
        kernel = kernel - means - means.transpose(1, 2) + kernel.mean([1, 2], keepdim: true);
        var (values, vectors) = linalg.eigh(kernel); // rising
        var scores = vectors.narrow(2, places - 1, 1).squeeze(2) * values.narrow(1, places - 1, 1).clamp_min(0).sqrt();
        var map = PrincipalComponent.Signed(
            PrincipalComponent.AsMap(scores, activation, finite),
            towards: (run.Gradient * activation).sum(1)
        );
        return scope.MoveToOuter(map.to(activation.dtype).unsqueeze(1));
    }
}
