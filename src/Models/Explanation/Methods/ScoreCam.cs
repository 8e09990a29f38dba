using Tessera.Models.Layers;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <param name="Batch">Masked images that go through the model at once: with it memory grows, not with the channels.</param>
public sealed record ScoreCamOptions([property: Range(1, 4096)] int Batch = 16);

/// <summary>Each channel weighs by the score of the image seen through it: the channel at the image's size, scaled to [0, 1], times the
/// image. The weights are the softmax of these scores over the channels. No gradient is used.</summary>
/// <remarks>Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks", 2020, arXiv:1910.01279. The
/// score of an image without anything, which the paper takes off each, falls out of the softmax. Channels are enlarged corner on corner,
/// as the authors do. One that is the same everywhere hides the whole image.</remarks>
[Component("ScoreCam")]
public sealed class ScoreCam(ScoreCamOptions options) : ActivationMethod
{
    public override string Title => "Score-CAM";

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var activation = run.Activation.detach();
        var weights = Enumerable.Range(0, (int)activation.shape[0]).Select(image => Weights(run, activation, image)).ToArray();
        return scope.MoveToOuter(ChannelScores.Weights(weights, activation) * activation);
    }

    private double[] Weights(ExplainedRun run, Tensor activation, int image)
    {
        var scores = new double[activation.shape[1]];
        var own = run.Images.narrow(0, image, 1);
        ChannelScores.Fill([.. Enumerable.Range(0, scores.Length).Select(c => (long)c)], options.Batch, Scores, scores);
        var (most, sum) = (scores.Max(), 0.0);
        for (var c = 0; c < scores.Length; c++)
            sum += scores[c] = Math.Exp(scores[c] - most);
        return Array.ConvertAll(scores, score => score / sum);

        Tensor Scores(long[] channels)
        {
            var maps = activation[image].index_select(0, tensor(channels, device: activation.device)).unsqueeze(1); // [n, 1, h, w]
            var masks = Explainer.Unit(Upsampling.To(maps, [own.shape[2], own.shape[3]], alignCorners: true).squeeze(1)).unsqueeze(1);
            return run.ScoresOf(own * masks.to(own.dtype), [.. Enumerable.Repeat(image, channels.Length)]);
        }
    }
}
