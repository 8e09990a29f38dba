using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>A way to say which parts of an image speak for a score. Tools name it in lower case with underscores: "grad_cam" for
/// <c>[Component("GradCam")]</c>.</summary>
[ComponentKind("activation_map")]
public abstract class ActivationMethod
{
    /// <summary>As the literature calls it: "Grad-CAM++".</summary>
    public abstract string Title { get; }

    /// <summary>Whether the map depends on the score that is explained, be it by its sign alone (EigenCAM); FEM's doesn't.</summary>
    public virtual bool ReadsScore => true;

    /// <summary>Whether the map is of what a layer gave; false: it is of the image and the whole network, whatever the layer.</summary>
    public virtual bool ReadsLayer => true;

    /// <summary>What speaks against the score is negative and shown as nothing; false where all values count.</summary>
    public virtual bool KeepsPositive => true;

    /// <summary>What each channel at each place says for the score. Their sum over the channels is the map.</summary>
    /// <returns>[B, C, h, w], or [B, 1, h, w] where channels have no meaning; owned by the caller's dispose scope, without
    /// graph.</returns>
    public abstract Tensor Contributions(ExplainedRun run);
}
