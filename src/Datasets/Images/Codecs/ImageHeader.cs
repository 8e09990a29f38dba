namespace Tessera.Datasets.Images.Codecs;

/// <summary>What a file's header says.</summary>
/// <param name="Height">Rows as stored, before orientation.</param>
/// <param name="Width">Columns as stored.</param>
/// <param name="Channels">Channels as stored; 1 for a palette.</param>
/// <param name="Orientation">EXIF orientation, 1 to 8.</param>
internal readonly record struct ImageHeader(int Height, int Width, int Channels, int Orientation);
