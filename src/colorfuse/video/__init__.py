"""Film: steady colours along the optical flow, and everything else of the film kept."""
