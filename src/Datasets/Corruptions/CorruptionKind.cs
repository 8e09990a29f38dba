namespace Tessera.Datasets.Corruptions;

/// <summary>What may be wrong with a photograph: noise, blur, weather, and what cameras and files do. The first 15 are those of the
/// benchmark; the last four stand aside, for choosing settings without looking at it.</summary>
public enum CorruptionKind
{
    GaussianNoise,
    ShotNoise,
    ImpulseNoise,
    DefocusBlur,
    GlassBlur,
    MotionBlur,
    ZoomBlur,
    Snow,
    Frost,
    Fog,
    Brightness,
    Contrast,
    ElasticTransform,
    Pixelate,
    JpegCompression,
    SpeckleNoise,
    GaussianBlur,
    Spatter,
    Saturate,
}
