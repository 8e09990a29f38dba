using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <param name="Batch">Runs with a channel left out that go through the model at once: with it memory grows, not with the
/// channels.</param>
public sealed record AblationCamOptions([property: Range(1, 4096)] int Batch = 32);

/// <summary>Each channel weighs as much as the score falls when the channel is left out: w = y - y without it, where "without" sets its map
/// to 0. No gradient is used.</summary>
/// <remarks>Desai and Ramaswamy, "Ablation-CAM: Visual Explanations for Deep Convolutional Network via Gradient-free Localization", WACV
/// 2020. The paper divides the fall by y, which turns all signs where y is negative and else scales the whole map; here it is not
/// divided. At a layer that an average and a linear layer follow, the weight is the linear layer's times the channel's mean. A channel
/// that is 0 everywhere costs no run.</remarks>
[Component("AblationCam")]
public sealed class AblationCam(AblationCamOptions options) : ActivationMethod
{
    public override string Title => "Ablation-CAM";

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var activation = run.Activation.detach();
        var scores = run.Scores.detach().to(ScalarType.Float64).cpu().contiguous().Values<double>();
        var weights = scores.Select((score, image) => Weights(run, activation, image, score)).ToArray();
        return scope.MoveToOuter(ChannelScores.Weights(weights, activation) * activation);
    }

    private double[] Weights(ExplainedRun run, Tensor activation, int image, double score)
    {
        var values = Enumerable.Repeat(score, (int)activation.shape[1]).ToArray();
        var own = run.Images.narrow(0, image, 1);
        var active = activation[image].abs().amax([1, 2]).gt(0).cpu().contiguous().Values<bool>();
        ChannelScores.Fill([.. active.Index().Where(c => c.Item).Select(c => (long)c.Index)], options.Batch, Scores, values);
        return Array.ConvertAll(values, without => score - without);

        Tensor Scores(long[] channels) =>
            run.ScoresWith(
                own.expand(channels.Length, -1, -1, -1),
                [.. Enumerable.Repeat(image, channels.Length)],
                map =>
                {
                    // [n, C], of each row all but its channel
                    var kept = arange(map.shape[1], device: map.device).unsqueeze(0).ne(tensor(channels, device: map.device).view(-1, 1));
                    return map * kept.to(map.dtype).unsqueeze(2).unsqueeze(3);
                }
            );
    }
}
