using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Messages;
using Tessera.Framework.Processes;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>
/// One rule for every batch norm: where training shows it a single value for each channel (a last batch of one image, a map of
/// one pixel), that value is its own mean, its output would be 0 and its variance 0 / 0. The norm then takes its running
/// statistics instead and leaves them as they are.
/// </summary>
/// <remarks>The norms stay what they are, so that names, checkpoints and taps don't change. PyTorch's Python side refuses such a
/// batch.</remarks>
public static class SingleValueNorms
{
    private static readonly ILogger s_log = Log.For(Log.Run);
    private static readonly ConditionalWeakTable<nn.Module, object> s_attached = [];

    /// <summary>From now on, for all batch norms of a model, those of plugins too. A second time changes nothing.</summary>
    public static void Attach(nn.Module model)
    {
        var told = false;
        foreach (var (name, module) in model.named_modules())
        {
            if (module is not BatchNorm norm || !s_attached.TryAdd(norm, norm))
                continue;
            var still = false;
            norm.register_forward_pre_hook(
                (_, input) =>
                {
                    still = Applies(norm, input);
                    if (still)
                        norm.eval();
                    return null!;
                }
            );
            norm.register_forward_hook(
                (_, _, output) =>
                {
                    if (!still)
                        return output;
                    still = false;
                    norm.train();
                    if (!told)
                        s_log.LogWarning("{0}", Told(name));
                    told = true;
                    return output;
                }
            );
        }
    }

    /// <summary>Whether a norm that trains is shown a single value for each channel.</summary>
    /// <param name="input">[B, C] or [B, C, …].</param>
    public static bool Applies(BatchNorm norm, Tensor input) =>
        norm.training && ShowsOne(input) && norm.running_mean is not null && !SyncBatchNorm.Spans(norm);

    /// <summary>Whether a norm's input has a single value for each channel.</summary>
    /// <param name="input">[B, C] or [B, C, …].</param>
    public static bool ShowsOne(Tensor input) => input.dim() > 1 && input.numel() == input.shape[1];

    private static string Told(string name) =>
        $"A batch shows {name} a single value for each channel, of which no variance can be taken; it uses its running statistics there. "
        + "train.loader.drop_last=true leaves a last batch of one image out; where every batch is one image, only a larger "
        + "train.loader.batch_size gives such a norm statistics.";
}
