using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Tessera.Framework.Data;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <param name="Seed">Of the weights.</param>
public sealed record RandomCamOptions(long Seed = 0);

/// <summary>Each channel's weight is drawn from [-1, 1]: the control, which a method that explains must surpass.</summary>
/// <remarks>The weights follow from the seed and the image's values: an image has the same map in every batch and every run.</remarks>
[Component("RandomCam")]
public sealed class RandomCam(RandomCamOptions options) : ActivationMethod
{
    public override string Title => "Random CAM";

    public override bool ReadsScore => false;

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        var activation = run.Activation;
        var (images, channels) = ((int)activation.shape[0], (int)activation.shape[1]);
        var weights = new double[images * channels];
        for (var i = 0; i < images; i++)
        {
            var random = RandomSource.For(options.Seed, 0, Fingerprint(run.Images[i]));
            for (var c = 0; c < channels; c++)
                weights[(i * channels) + c] = random.Uniform(-1, 1);
        }
        var drawn = tensor(weights, device: activation.device).to(activation.dtype).view(images, channels, 1, 1);
        return scope.MoveToOuter(drawn * activation);
    }

    private static long Fingerprint(Tensor image)
    {
        using var scope = NewDisposeScope();
        var values = image.to(ScalarType.Float32).Values<float>();
        return BitConverter.ToInt64(SHA256.HashData(MemoryMarshal.AsBytes<float>(values)));
    }
}
