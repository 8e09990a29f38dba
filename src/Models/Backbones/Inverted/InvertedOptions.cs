namespace Tessera.Models.Backbones.Inverted;

/// <summary>What networks of inverted residuals are all told.</summary>
public abstract record InvertedOptions
{
    /// <summary>Channels of the image.</summary>
    [Range(1, 1024)]
    public int InChannels { get; init; } = 3;

    /// <summary>Whose maps are given: 0 to 4 those of strides 2 to 32, 5 that of the last 1x1 convolution. By default what a classifier
    /// reads: 5, and of MobileNetV3 the vector behind its pool. What lies behind the last of them is not built.</summary>
    [MinLength(1)]
    public int[]? OutIndices { get; init; }

    /// <summary>Total stride: later stages trade stride for dilation.</summary>
    [AllowedValues(2, 4, 8, 16, 32, null)]
    public int? OutputStride { get; init; }

    /// <summary>A dilated stage's first block keeps the dilation of the stage before, as timm has it; false: as torchvision's dilated
    /// MobileNetV3.</summary>
    public bool ContractDilation { get; init; } = true;

    /// <summary>Stride of the first convolution; 1 for images of 32 to 64 pixels, so that all strides are half of what is said.</summary>
    [AllowedValues(1, 2)]
    public int StemStride { get; init; } = 2;

    /// <summary>Strided convolutions are padded as in TensorFlow, whose weights timm calls "tf_", and as MMPretrain's EfficientNets
    /// are.</summary>
    public bool SamePadding { get; init; }

    /// <summary>Stochastic depth: rate that the blocks' rise to, linearly from 0.</summary>
    [Range(0, 0.99)]
    public double DropPathRate { get; init; }

    /// <summary>-1: nothing; 0: the stem is frozen; n: also the first n stages. Frozen norms keep their statistics.</summary>
    [Range(-1, 16)]
    public int FrozenStages { get; init; } = -1;

    /// <summary>All norms keep their statistics in training.</summary>
    public bool NormEval { get; init; }
}
