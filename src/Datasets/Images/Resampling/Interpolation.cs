namespace Tessera.Datasets.Images.Resampling;

/// <summary>How a pixel is computed when an image is resized.</summary>
public enum Interpolation
{
    /// <summary>The source pixel under the centre of the target pixel.</summary>
    Nearest,

    /// <summary>The mean of the source pixels that the target pixel covers.</summary>
    Box,

    /// <summary>Triangle filter.</summary>
    Bilinear,

    /// <summary>Hamming window, one pixel wide: sharper than bilinear, no dislocations as from box.</summary>
    Hamming,

    /// <summary>Keys' cubic convolution with a = -0.5.</summary>
    Bicubic,

    /// <summary>Lanczos window, three lobes.</summary>
    Lanczos,
}

/// <summary>Which library resizes.</summary>
public enum ResizeBackend
{
    /// <summary>Antialiased, agreeing with Pillow.</summary>
    Pillow,

    /// <summary>OpenCV's resize: pixels are sampled without antialiasing (bilinear and bicubic), as OpenMMLab's pipelines do.</summary>
    Opencv,
}
