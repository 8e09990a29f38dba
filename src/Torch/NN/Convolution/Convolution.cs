using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>What convolutions of one to three dimensions, plain and transposed, share: their sizes, weight and bias.</summary>
        public abstract class Convolution : nn.Module<Tensor, Tensor>
        {
            [ComponentName(Name = nameof(weight))] protected Parameter? _weight;
            [ComponentName(Name = nameof(bias))] protected Parameter? _bias;

            /// <summary>Before and after each dimension, the last dimension first, as functional.pad takes it.</summary>
            protected long[] _reversed_padding_repeated_twice = [];

            protected Convolution(string name, long in_channels, long out_channels, long[] kernel_size, long[] stride, long[]? padding, Padding? padding_type, long[] dilation, bool transposed, long[] output_padding, long groups, bool bias, PaddingModes padding_mode, Device? device = null, ScalarType? dtype = null) : base(name)
            {
                if (transposed && padding_mode != PaddingModes.Zeros)
                    throw new ArgumentException("A transposed convolution can only be padded with zeros.", nameof(padding_mode));
                if (in_channels % groups != 0 || out_channels % groups != 0)
                    throw new ArgumentException($"in_channels ({in_channels}) and out_channels ({out_channels}) must be divisible by groups ({groups}).", nameof(groups));
                (this.in_channels, this.out_channels, this.groups) = (in_channels, out_channels, groups);
                (this.kernel_size, this.stride, this.dilation) = (kernel_size, stride, dilation);
                (this.transposed, this.output_padding, this.padding_mode) = (transposed, output_padding, padding_mode);
                if (padding_type is { } type)
                    SetPadding(type);
                else
                    SetPadding(padding ?? new long[kernel_size.Length]);

                long[] shape = transposed ? [in_channels, out_channels / groups, .. kernel_size] : [out_channels, in_channels / groups, .. kernel_size];
                weight = nn.Parameter(empty(shape, dtype: dtype, device: device));
                if (bias)
                    this.bias = nn.Parameter(empty(out_channels, dtype: dtype, device: device));
                reset_parameters();
            }

            public long in_channels { get; }
            public long out_channels { get; }
            public bool transposed { get; }
            public Padding? padding_type { get; private set; }
            public long[]? padding { get; private set; }
            public PaddingModes padding_mode { get; set; }
            public long groups { get; set; }
            public long[] kernel_size { get; set; }
            public long[] stride { get; set; }
            public long[] dilation { get; set; }
            public long[] output_padding { get; set; }

            public Parameter weight
            {
                get => _weight!;
                set => SetParameter(nameof(weight), ref _weight, value ?? throw new ArgumentNullException(nameof(weight)));
            }

            public Parameter? bias
            {
                get => _bias;
                set => SetParameter(nameof(bias), ref _bias, value);
            }

            public void reset_parameters() => nn.init.LikePyTorch(weight, bias);

            public void SetPadding(long[] padding)
            {
                (padding_type, this.padding) = (null, padding);
                _reversed_padding_repeated_twice = [.. padding.Reverse().SelectMany(amount => new[] { amount, amount })];
            }

            public void SetPadding(Padding padding)
            {
                if (transposed)
                    throw new ArgumentException("Cannot set padding type on ConvTransposeND", nameof(padding));
                if (padding == Padding.Same && stride.Any(step => step != 1))
                    throw new ArgumentException("padding='same' is not supported for strided convolutions", nameof(padding));
                (padding_type, this.padding) = (padding, null);
                var last = kernel_size.Length - 1;
                _reversed_padding_repeated_twice = new long[2 * kernel_size.Length];
                for (var i = 0; padding == Padding.Same && i <= last; i++)
                {
                    var total = dilation[last - i] * (kernel_size[last - i] - 1);
                    (_reversed_padding_repeated_twice[2 * i], _reversed_padding_repeated_twice[2 * i + 1]) = (total / 2, total - total / 2);
                }
            }

            /// <summary>Whether an input, with or without a batch dimension, has the channels expected.</summary>
            protected bool ValidateShape(Tensor input, long dimensions)
            {
                var ndim = input.dim();
                return ndim == dimensions + 2 && input.size(1) == in_channels || ndim == dimensions + 1 && input.size(0) == in_channels;
            }

            private protected void RequireShape(Tensor input, int dimensions)
            {
                if (!ValidateShape(input, dimensions))
                    throw new ArgumentException($"Expected {dimensions + 1}D (unbatched) or {dimensions + 2}D (batched) input with {in_channels} channels to {GetName()}, but got [{string.Join(", ", input.shape)}].");
            }

            /// <summary>The input with the border that the operator itself can't make.</summary>
            private protected Tensor PadBorder(Tensor input) => nn.functional.pad(input, _reversed_padding_repeated_twice, padding_mode);
        }
    }
}
