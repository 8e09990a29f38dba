using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using Tessera.Torch;
using Tessera.Torch.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>
/// Batch norms worked into the convolutions before them, for inference. The model's own weights stay as they are: while the
/// fusion is entered, layers that run as pairs take the joined weights, made when they first run and anew when one of their
/// tensors has changed.
/// </summary>
/// <remarks>
/// norm(conv(x)) with fixed statistics is a convolution, too: of weight w · s and bias (b - mean) · s + shift, where
/// s = gain / √(variance + eps). Pairs that are tapped, hooked onto or training run as they are.
/// </remarks>
public sealed class ConvNormFusion : IDisposable
{
    [ThreadStatic]
    private static ConvNormFusion? s_entered;

    private readonly Dictionary<(Conv2d, BatchNorm2d), Joined> _joined = [];

    /// <summary>Whether this thread runs pairs as one.</summary>
    public static bool IsEntered => s_entered is not null;

    /// <summary>From here until disposed, this thread runs pairs as one convolution.</summary>
    public Entry Enter()
    {
        var outer = s_entered;
        s_entered = this;
        return new Entry(outer);
    }

    public void Dispose()
    {
        foreach (var joined in _joined.Values)
            joined.Dispose();
        _joined.Clear();
    }

    /// <summary>The pair as one convolution; null where it is to run as it is.</summary>
    internal static Tensor? Run(Conv2d conv, BatchNorm2d norm, Tensor x) => Find(conv, norm)?.Run(x);

    /// <summary>The pair and the ReLU after it; null as for <see cref="Run"/>.</summary>
    internal static Tensor? Rectified(Conv2d conv, BatchNorm2d norm, Tensor x) => Find(conv, norm)?.Rectified(x);

    private static Joined? Find(Conv2d conv, BatchNorm2d norm)
    {
        if (
            s_entered is not { } fusion
            || norm.training
            || norm.running_mean is null
            || is_grad_enabled()
            || conv.padding is null
            || conv.padding_mode != PaddingModes.Zeros
            || Tap.IsSet(conv)
            || Tap.IsSet(norm)
            || LayerChange.IsOn(conv)
            || LayerChange.IsOn(norm)
            || !TensorState.IsAvailable
        )
            return null;
        var states = Joined.StatesOf(conv, norm);
        lock (fusion._joined)
        {
            if (!fusion._joined.TryGetValue((conv, norm), out var joined) || !joined.States.AsSpan().SequenceEqual(states))
            {
                joined?.Dispose();
                fusion._joined[(conv, norm)] = joined = new Joined(conv, norm, states);
            }
            return joined;
        }
    }

    /// <summary>A pair's weights, in the form that its first input wants: packed for float32 on the CPU, channels last (in which the result
    /// of a packed convolution always lies); otherwise as they are. Several threads may run it.</summary>
    private sealed class Joined(Conv2d conv, BatchNorm2d norm, TensorState[] states) : IDisposable
    {
        private readonly Lock _making = new();
        private (Tensor Weight, Tensor Bias)? _plain;
        private PackedConvolution? _packed;
        private WinogradConvolution? _winograd;
        private bool _cannotPack;

        public TensorState[] States => states;

        /// <summary>The last counts the batches that moved the statistics, which native code changes without counting a version.</summary>
        public static TensorState[] StatesOf(Conv2d conv, BatchNorm2d norm) =>
            [
                .. new[]
                {
                    conv.weight,
                    conv.bias,
                    norm.weight,
                    norm.bias,
                    norm.running_mean,
                    norm.running_var,
                    norm.num_batches_tracked,
                }.Select(TensorState.Of),
            ];

        public Tensor Run(Tensor x) => Packed(x, rectified: false) ?? Plain(x);

        public Tensor Rectified(Tensor x) => (Rectifier.IsGuided ? null : Packed(x, rectified: true)) ?? Rectifier.InPlace(Run(x));

        public void Dispose()
        {
            _packed?.Dispose();
            _winograd?.Dispose();
            _plain?.Weight.Dispose();
            _plain?.Bias.Dispose();
        }

        private Tensor Plain(Tensor x)
        {
            lock (_making)
            {
                if (_plain is null)
                {
                    using var scope = NewDisposeScope();
                    var (joinedWeight, joinedBias) = Weights();
                    _plain = (joinedWeight.DetachFromDisposeScope(), joinedBias.DetachFromDisposeScope());
                }
            }
            var (weight, bias) = _plain.Value;
            return functional.conv2d(x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups);
        }

        /// <summary>By packed weights; null where they can't be packed or such an input doesn't run so.</summary>
        private Tensor? Packed(Tensor x, bool rectified)
        {
            if (
                _cannotPack
                || x.device_type != DeviceType.CPU
                || x.dtype != ScalarType.Float32
                || Autocast.IsEnabled(DeviceType.CPU)
                || !ChannelsLast.IsLaid(x)
            )
                return null;
            if (WinogradConvolution.Fits(conv) && WinogradConvolution.Pays(x.shape, conv.out_channels, conv.dilation[0]))
            {
                lock (_making)
                    _winograd ??= Winograd();
                var found = _winograd.Run(x, rectified);
                _cannotPack = found is null; // not tried again at every call
                return found;
            }
            lock (_making)
                _packed ??= Pack(x);
            return rectified ? _packed?.Rectified(x) : _packed?.Run(x);
        }

        private WinogradConvolution Winograd()
        {
            using var scope = NewDisposeScope();
            return new WinogradConvolution(() => Weights().Weight, Weights().Bias, conv.in_channels, conv.dilation[0]);
        }

        private PackedConvolution? Pack(Tensor x)
        {
            using var scope = NewDisposeScope();
            var (weight, bias) = Weights();
            var packed = PackedConvolution.Of(weight, bias, x.shape, conv.padding, conv.stride, conv.dilation, conv.groups);
            _cannotPack = packed is null;
            return packed;
        }

        /// <summary>The joined ones, in the scope of whoever asks.</summary>
        private (Tensor Weight, Tensor Bias) Weights()
        {
            using var scope = NewDisposeScope();
            var factor = (norm.running_var! + norm.eps).rsqrt();
            if (norm.weight is { } gain)
                factor = factor * gain;
            var bias = (conv.bias is { } own ? own - norm.running_mean! : -norm.running_mean!) * factor;
            if (norm.bias is { } shift)
                bias = bias + shift;
            var weight = conv.weight * factor.view(-1, 1, 1, 1);
            return (scope.MoveToOuter(weight.detach()), scope.MoveToOuter(bias.detach()));
        }
    }

    /// <summary>Ends the entering when disposed.</summary>
    public readonly struct Entry(ConvNormFusion? outer) : IDisposable
    {
        public void Dispose() => s_entered = outer;
    }
}

/// <summary>A convolution (or what stands for one) and its norm.</summary>
internal static class ConvThenNorm
{
    /// <summary>The norm of the convolution; where a fusion is entered, by one convolution.</summary>
    public static Tensor Run(Module<Tensor, Tensor> conv, BatchNorm2d norm, Tensor x) =>
        conv is Conv2d plain
            ? ConvNormFusion.Run(plain, norm, x) ?? norm.call(SmallMaps.Run(plain, x) ?? plain.call(x))
            : norm.call(conv.call(x));

    /// <summary>max(norm(conv(x)), 0).</summary>
    public static Tensor Rectified(Module<Tensor, Tensor> conv, BatchNorm2d norm, Tensor x) =>
        (conv is Conv2d plain ? ConvNormFusion.Rectified(plain, norm, x) : null) ?? Rectifier.InPlace(Run(conv, norm, x));

    /// <summary>A sequence whose last two are a convolution and its norm (a shortcut's projection).</summary>
    public static Tensor Run(Sequential layers, Tensor x)
    {
        var last = layers.Count - 1;
        if (
            !ConvNormFusion.IsEntered
            || last < 1
            || layers[last - 1] is not Conv2d conv
            || layers[last] is not BatchNorm2d norm
            || Tap.IsSet(layers)
        )
            return layers.call(x);
        using var scope = NewDisposeScope();
        for (var i = 0; i < last - 1; i++)
            x = layers[i].call(x);
        return scope.MoveToOuter(Run(conv, norm, x));
    }
}
